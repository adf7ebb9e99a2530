// What a stanza carries that somebody still has to take care of: who owns a copy of its receipt has
// it in hand, and the stanza is settled when the last copy is gone (docs/decisions/0012).
//
// A stream with stream management gives one to each stanza that it receives; whoever stores the
// stanza keeps a copy until the commit has been reported, whoever only passes it on keeps none.
// Copies may be dropped on any thread.
//
// A copy may also stand for a row of the recipient's offline store (docs/decisions/0014): then it
// stays on the recipient's home shard, and the row is erased when a client has the stanza.
#pragma once

#include <memory>
#include <string_view>

namespace balcony {

class Receipt {
 public:
  Receipt() = default;
  Receipt(const Receipt&) = delete;
  Receipt& operator=(const Receipt&) = delete;
  // Tells whoever waits for it.
  virtual ~Receipt() = default;

  // The id of the row of its recipient's offline store that holds the stanza; empty: none does.
  virtual std::string_view row() const { return {}; }
  // To be called by the stream that the stanza was handed to, when its client has it: acknowledged
  // it (XEP-0198 §4), or, where nothing is acknowledged, when it was written. Who only drops the
  // receipt leaves the row where it is.
  virtual void delivered() const {}
};

using ReceiptPtr = std::shared_ptr<const Receipt>;

}  // namespace balcony
