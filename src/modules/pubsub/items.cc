#include "modules/pubsub/items.h"

#include "base/log.h"
#include "stanza/ns.h"
#include "xml/parser.h"
#include "xml/writer.h"

#include <algorithm>
#include <utility>

namespace balcony::modules::pubsub {
namespace {

constexpr std::uint32_t kRowsAtOnce = 1'000;

std::optional<Item> parse_item(const std::string& owner, const storage::ArchiveRow& row) {
  auto element = xml::parse(row.stanza);
  if (!element) {
    log_error("published item cannot be read",
              {{"jid", owner}, {"row", row.id}, {"error", element.error().to_string()}});
    return std::nullopt;
  }
  Item item;
  item.row = row.id;
  item.id = row.origin_id;
  item.when = row.when;
  item.bytes = row.stanza.size();
  item.element = *std::move(element);
  item.publisher = item.element.attr("publisher");
  item.element.remove_attr("publisher");
  return item;
}

}  // namespace

Task<Result<std::optional<Item>>> read_item(storage::Store& store, ItemSource source,
                                            std::string id) {
  if (source.items == 0) co_return std::optional<Item>();
  if (id == source.last_id) co_return co_await read_last_item(store, std::move(source));
  BALCONY_CO_ASSIGN(const std::optional<storage::ArchiveRow> row,
                    co_await store.find_origin(source.owner, source.store, "", id));
  if (!row) co_return std::optional<Item>();
  co_return parse_item(source.owner, *row);
}

Task<Result<std::optional<Item>>> read_last_item(storage::Store& store, ItemSource source) {
  if (source.items == 0) co_return std::optional<Item>();
  BALCONY_CO_ASSIGN(const std::optional<storage::ArchiveRow> row,
                    co_await store.find(source.owner, source.store, source.last_row));
  if (!row) co_return std::optional<Item>();
  co_return parse_item(source.owner, *row);
}

Task<Result<ItemPage>> read_items(storage::Store& store, ItemSource source,
                                  storage::ArchiveQuery query) {
  ItemPage page;
  page.complete = true;
  if (source.items == 0) co_return page;
  query.limit = std::clamp(query.limit, std::uint32_t{1}, kRowsAtOnce);
  BALCONY_CO_ASSIGN(const storage::ArchivePage rows,
                    co_await store.page(source.owner, source.store, query));
  for (const storage::ArchiveRow& row : rows.rows) {
    if (auto item = parse_item(source.owner, row)) page.items.push_back(*std::move(item));
  }
  page.complete = rows.complete;
  co_return page;
}

Task<Result<std::optional<RowSize>>> find_row(storage::Store& store, ItemSource source,
                                              std::string id) {
  if (source.items == 0) co_return std::optional<RowSize>();
  if (id == source.last_id) {
    RowSize last{source.last_row, source.last_bytes};
    co_return std::optional<RowSize>(std::move(last));
  }
  if (source.items == 1) co_return std::optional<RowSize>();
  BALCONY_CO_ASSIGN(const std::optional<storage::ArchiveRow> row,
                    co_await store.find_origin(source.owner, source.store, "", id));
  if (!row) co_return std::optional<RowSize>();
  RowSize found{row->id, row->stanza.size()};
  co_return std::optional<RowSize>(std::move(found));
}

Task<Result<std::vector<RowSize>>> oldest_rows(storage::Store& store, ItemSource source,
                                               std::uint32_t count, std::string except) {
  std::vector<RowSize> oldest;
  if (count == 0 || source.items == 0) co_return oldest;
  if (source.items == 1) {
    if (source.last_row != except) oldest.push_back({source.last_row, source.last_bytes});
    co_return oldest;
  }
  count = std::min(count, kRowsAtOnce - 1);
  storage::ArchiveQuery query;
  query.limit = count + 1;
  BALCONY_CO_ASSIGN(const storage::ArchivePage page,
                    co_await store.page(source.owner, source.store, query));
  for (const storage::ArchiveRow& row : page.rows) {
    if (row.id != except && oldest.size() < count) oldest.push_back({row.id, row.stanza.size()});
  }
  co_return oldest;
}

void add_item(Node& node, storage::Batch& batch, const std::string& owner, std::string row,
              const std::string& id, WallTime when, std::string text) {
  ++node.items;
  node.bytes += text.size();
  node.last_row = row;
  node.last_id = id;
  node.last_bytes = text.size();
  storage::ArchiveRow made;
  made.id = std::move(row);
  made.when = when;
  made.origin_id = id;
  made.stanza = std::move(text);
  batch.add(owner, storage::op::Append{item_store(node), std::move(made)});
}

void drop_row(Node& node, storage::Batch& batch, const std::string& owner, const RowSize& row) {
  if (node.items > 0) --node.items;
  node.bytes -= std::min(node.bytes, row.bytes);
  if (node.last_row == row.row) {
    node.last_row.clear();
    node.last_id.clear();
    node.last_bytes = 0;
  }
  batch.add(owner, storage::op::EraseRow{item_store(node), row.row});
}

void drop_all_items(Node& node, storage::Batch& batch, const std::string& owner) {
  node.items = 0;
  node.bytes = 0;
  node.last_row.clear();
  node.last_id.clear();
  node.last_bytes = 0;
  batch.add(owner, storage::op::EraseStore{item_store(node)});
}

std::string item_text(const std::string& id, const std::string& publisher,
                      xml::ElementView payload) {
  xml::Element item(ns::kPubsub, "item");
  item.set("id", id).set("publisher", publisher);
  item.append_copy(payload);
  return xml::to_string(item);
}

}  // namespace balcony::modules::pubsub
