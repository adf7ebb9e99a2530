// The items of a node in storage: an archive for each node, in the order of publication.
//
// Reading suspends; changes go into a batch of the caller's. The service's shard.
#pragma once

#include "modules/pubsub/node.h"
#include "storage/storage.h"

#include <balcony/element.h>
#include <balcony/task.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace balcony::modules::pubsub {

struct Item {
  std::string row;
  std::string id;
  std::string publisher;
  WallTime when{};
  std::uint64_t bytes = 0;  // as it is stored
  // <item/> in the namespace of pubsub, with its id and payload.
  xml::Element element;
};

// What identifies a node's items: fixed while one reads.
struct ItemSource {
  ItemSource(std::string owner_, const Node& node)
      : owner(std::move(owner_)),
        store(item_store(node)),
        items(node.items),
        last_row(node.last_row),
        last_id(node.last_id),
        last_bytes(node.last_bytes) {}

  std::string owner, store;
  std::uint32_t items;
  std::string last_row, last_id;
  std::uint64_t last_bytes;
};

// Reads. Errors: those of storage. An item that cannot be read is as if it were not there.
Task<Result<std::optional<Item>>> read_item(storage::Store& store, ItemSource source,
                                            std::string id);
Task<Result<std::optional<Item>>> read_last_item(storage::Store& store, ItemSource source);
// `query` in rows, as storage has it.
struct ItemPage {
  std::vector<Item> items;
  bool complete = false;  // there are none beyond
};
Task<Result<ItemPage>> read_items(storage::Store& store, ItemSource source,
                                  storage::ArchiveQuery query);

// A row that is to go, and its size.
struct RowSize {
  std::string row;
  std::uint64_t bytes = 0;
};
// The row of the item with this id.
Task<Result<std::optional<RowSize>>> find_row(storage::Store& store, ItemSource source,
                                              std::string id);
// The oldest `count` rows but `except`; at most 999 at a time.
Task<Result<std::vector<RowSize>>> oldest_rows(storage::Store& store, ItemSource source,
                                               std::uint32_t count, std::string except);

// Changes of `node` in memory and in `batch`.
void add_item(Node& node, storage::Batch& batch, const std::string& owner, std::string row,
              const std::string& id, WallTime when, std::string text);
void drop_row(Node& node, storage::Batch& batch, const std::string& owner, const RowSize& row);
void drop_all_items(Node& node, storage::Batch& batch, const std::string& owner);

// An item as it is stored.
std::string item_text(const std::string& id, const std::string& publisher,
                      xml::ElementView payload);

}  // namespace balcony::modules::pubsub
