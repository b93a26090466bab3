// Copies of a store, as of one moment, in folders that are data folders themselves: a server that
// is started on one has what the other had. Any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "store/disk_store.h"

namespace solec {

// Puts a copy into `folder`, which is made if it is missing. AlreadyExists if there is something in
// it. On the same file system most of it costs no room until one of the two changes.
absl::Status BackUpStore(DiskStore* store, const std::string& folder);

// A name in a data folder for a copy that is read and removed again.
std::string SnapshotPath(const std::string& data_dir);

// Removes the copies of that name whose reader died; while nobody else can have the store.
void RemoveSnapshots(const std::string& data_dir);

}  // namespace solec
