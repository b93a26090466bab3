// The folder that everything a server keeps is in ([server] data_dir): the store below it, and the
// admin socket beside that unless it has a path of its own. A backup is such a folder too.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace solec {

// Where the store is within a data folder.
std::string StorePathOf(const std::string& data_dir);

// Whether a server of this user could work there; changes nothing. A folder that is not there yet
// will do if the one above it is there: a whole path is not made, so that a disk that is not
// mounted is noticed. Errors: InvalidArgument, PermissionDenied.
absl::Status CheckDataDir(const std::string& data_dir);

// Makes the folder, for its owner alone, if it is not there; then checks it. `what` it is called in
// the text of an error.
absl::Status MakeDataDir(const std::string& data_dir, const std::string& what = "data_dir");

}  // namespace solec
