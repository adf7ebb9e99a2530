// What a stanza carries that somebody still has to take care of: who owns a copy of its receipt has
// it in hand, and the stanza is settled when the last copy is gone (docs/decisions/0012).
//
// A stream with stream management gives one to each stanza that it receives; whoever stores the
// stanza keeps a copy until the commit has been reported, whoever only passes it on keeps none.
// Copies may be dropped on any thread.
#pragma once

#include <memory>

namespace balcony {

class Receipt {
 public:
  Receipt() = default;
  Receipt(const Receipt&) = delete;
  Receipt& operator=(const Receipt&) = delete;
  // Tells whoever waits for it.
  virtual ~Receipt() = default;
};

using ReceiptPtr = std::shared_ptr<const Receipt>;

}  // namespace balcony
