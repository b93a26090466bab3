// Whether the kernel could encrypt TLS records itself (kTLS). Any thread; makes two system calls.
#pragma once

namespace solec {

bool KernelHasTls();

}  // namespace solec
