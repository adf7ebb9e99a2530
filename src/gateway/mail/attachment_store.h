// Where attachments are saved: one folder of the operator's, bounded, with files that only the
// gateway's user can read and whose names hold nothing of a mail's but plain characters.
//
// Used by Incoming. On the gateway's loop; it waits for the disk: mails with attachments are rare.
#pragma once

#include "base/random.h"

#include <balcony/result.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace balcony::gateway::mail {

class AttachmentStore {
 public:
  // Makes the folder (mode 700) where it is missing, and counts what is in it. `bytes_max`: of all
  // files together; who takes files away makes room. Errors: kIo.
  static Result<AttachmentStore> open(std::string folder, std::uint64_t bytes_max, Random& random);

  // Writes a file with mode 600, onto the disk; returns its name in the folder. `name`: as the mail
  // says; of it stay letters, digits and ".-_", behind a token that nobody can guess.
  // Errors: kResourceConstraint: there is no room; kIo.
  Result<std::string> save(std::string_view name, std::string_view content);
  // Takes a file away again: its mail is not taken.
  void remove(const std::string& saved);

 private:
  AttachmentStore(std::string folder, std::uint64_t bytes_max, Random& random)
      : folder_(std::move(folder)), bytes_max_(bytes_max), random_(&random) {}
  std::uint64_t count() const;

  std::string folder_;
  std::uint64_t bytes_max_;
  Random* random_;
};

}  // namespace balcony::gateway::mail
