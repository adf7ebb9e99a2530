// Opens a SQLite database and joins its parts: a connection for the writer, one for the reader.
#include "storage/sqlite/schema.h"
#include "storage/sqlite/store.h"

namespace balcony::storage {
namespace {

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::unique_ptr<Connection> writing, std::unique_ptr<Connection> reading,
                 const SqliteOptions& options, WorkerPool& writer, WorkerPool& reader)
      : writing_(std::move(writing)),
        reading_(std::move(reading)),
        reader_(*reading_, tally_),
        readers_(reader_, reader),
        writer_(*writing_, options, writer, tally_, [this] { checkpoint(); }) {}
  ~SqliteDatabase() override { close(); }

  Result<> load() { return writer_.load(); }

  std::unique_ptr<Store> open(Loop& loop) override {
    return std::make_unique<SqliteStore>(loop, writer_, readers_);
  }
  void close() override {
    writer_.close();
    readers_.close();
  }
  DatabaseCounts counts() const override { return tally_.counts(); }

 private:
  void checkpoint() {
    // When the reader is too busy to take it, the writer asks again when the log has grown.
    static_cast<void>(readers_.run([](Reader& reader) { reader.checkpoint(); }));
  }

  Tally tally_;
  // The last connection that closes empties the log: the one that may write.
  std::unique_ptr<Connection> writing_;
  std::unique_ptr<Connection> reading_;
  Reader reader_;
  ReaderQueue readers_;
  Writer writer_;
};

Result<> set_up(Connection& db, Durability durability) {
  BALCONY_CHECK(
      db.script("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
                " PRAGMA journal_size_limit=67108864; PRAGMA temp_store=MEMORY;"
                " PRAGMA secure_delete=FAST;"
                " PRAGMA cell_size_check=ON"));
  // With the write-ahead log, "normal" syncs at checkpoints only: a commit survives the process,
  // and a power loss takes the last commits but leaves the file sound.
  return db.script(durability == Durability::kDisk ? "PRAGMA synchronous=FULL"
                                                   : "PRAGMA synchronous=NORMAL");
}

// In KiB. The system caches the file, too: reading a page again from there costs a system call.
// The writer has to hold what one transaction changes.
constexpr char kWriterCache[] = "PRAGMA cache_size=-8192";
constexpr char kReaderCache[] = "PRAGMA cache_size=-1024";

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite_database(const SqliteOptions& options,
                                                       WorkerPool& writer, WorkerPool& reader) {
  BALCONY_ASSIGN(auto writing, Connection::open(options.path));
  BALCONY_CHECK(set_up(*writing, options.durability));
  BALCONY_CHECK(migrate(*writing, options.path));
  BALCONY_ASSIGN(auto reading, Connection::open(options.path));
  BALCONY_CHECK(set_up(*reading, options.durability));
  BALCONY_CHECK(writing->script(kWriterCache));
  BALCONY_CHECK(reading->script(kReaderCache));
  BALCONY_CHECK(reading->script("PRAGMA query_only=ON"));
  auto database = std::make_unique<SqliteDatabase>(std::move(writing), std::move(reading), options,
                                                   writer, reader);
  BALCONY_CHECK(database->load());
  return database;
}

}  // namespace balcony::storage
