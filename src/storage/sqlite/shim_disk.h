// For tests: a disk between SQLite and the system's files, so that a test can make it fail or
// forget.
//
// While a ShimDisk lives, SQLite opens everything through it; one at a time. Reading, locks and
// shared memory go straight to the real files.
#pragma once

#include <sqlite3.h>

#include <cstring>
#include <string>
#include <string_view>

namespace balcony::storage {

class ShimDisk {
 public:
  ShimDisk() {
    current_ = this;
    real_vfs_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_vfs_;
    vfs_.zName = "shim";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_vfs_->szOsFile;
    vfs_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* base, int flags, int* out) {
      auto* const file = reinterpret_cast<File*>(base);
      file->name = name;
      const int code = real_vfs_->xOpen(real_vfs_, name, file->real(), flags, out);
      base->pMethods = code == SQLITE_OK ? methods() : nullptr;
      if (code == SQLITE_OK && name) current_->opened(name);
      return code;
    };
    vfs_.xDelete = [](sqlite3_vfs*, const char* name, int sync) {
      if (const int code = current_->erased(name); code != SQLITE_OK) return code;
      return real_vfs_->xDelete(real_vfs_, name, sync);
    };
    sqlite3_vfs_register(&vfs_, 1);
  }
  virtual ~ShimDisk() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_vfs_, 1);
    current_ = nullptr;
  }
  ShimDisk(const ShimDisk&) = delete;
  ShimDisk& operator=(const ShimDisk&) = delete;

 protected:
  // Before each call; what is not SQLITE_OK is its result, and the file is not touched; with kDone
  // that succeeds. `name` is the file's path, which SQLite keeps; null for a temporary one.
  static constexpr int kDone = -1;
  virtual void opened(const char* /*name*/) {}
  virtual int erased(const char* /*name*/) { return SQLITE_OK; }
  virtual int writes(const char* /*name*/, std::string_view /*bytes*/, sqlite3_int64 /*at*/) {
    return SQLITE_OK;
  }
  virtual int truncates(const char* /*name*/, sqlite3_int64 /*size*/) { return SQLITE_OK; }
  virtual int syncs(const char* /*name*/) { return SQLITE_OK; }

 private:
  struct File {
    sqlite3_file base;
    const char* name;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real(); }
  static const sqlite3_io_methods* of(sqlite3_file* file) { return real(file)->pMethods; }
  static const char* name(sqlite3_file* file) { return reinterpret_cast<File*>(file)->name; }

  static const sqlite3_io_methods* methods() {
    static const sqlite3_io_methods kMethods = {
        .iVersion = 2,
        .xClose = [](sqlite3_file* f) { return of(f)->xClose(real(f)); },
        .xRead = [](sqlite3_file* f, void* to, int size,
                    sqlite3_int64 at) { return of(f)->xRead(real(f), to, size, at); },
        .xWrite =
            [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
              const std::string_view bytes(static_cast<const char*>(from),
                                           static_cast<std::size_t>(size));
              const int code = current_->writes(name(f), bytes, at);
              return code == SQLITE_OK ? of(f)->xWrite(real(f), from, size, at) : code;
            },
        .xTruncate =
            [](sqlite3_file* f, sqlite3_int64 size) {
              const int code = current_->truncates(name(f), size);
              return code == SQLITE_OK ? of(f)->xTruncate(real(f), size) : code;
            },
        .xSync =
            [](sqlite3_file* f, int flags) {
              const int code = current_->syncs(name(f));
              if (code == kDone) return SQLITE_OK;
              return code == SQLITE_OK ? of(f)->xSync(real(f), flags) : code;
            },
        .xFileSize = [](sqlite3_file* f,
                        sqlite3_int64* size) { return of(f)->xFileSize(real(f), size); },
        .xLock = [](sqlite3_file* f, int level) { return of(f)->xLock(real(f), level); },
        .xUnlock = [](sqlite3_file* f, int level) { return of(f)->xUnlock(real(f), level); },
        .xCheckReservedLock = [](sqlite3_file* f,
                                 int* out) { return of(f)->xCheckReservedLock(real(f), out); },
        .xFileControl = [](sqlite3_file* f, int what,
                           void* arg) { return of(f)->xFileControl(real(f), what, arg); },
        .xSectorSize = [](sqlite3_file* f) { return of(f)->xSectorSize(real(f)); },
        .xDeviceCharacteristics =
            [](sqlite3_file* f) { return of(f)->xDeviceCharacteristics(real(f)); },
        .xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** at) -> int {
          return of(f)->xShmMap(real(f), page, size, extend, at);
        },
        .xShmLock = [](sqlite3_file* f, int at, int n,
                       int flags) { return of(f)->xShmLock(real(f), at, n, flags); },
        .xShmBarrier = [](sqlite3_file* f) { of(f)->xShmBarrier(real(f)); },
        .xShmUnmap = [](sqlite3_file* f, int remove) { return of(f)->xShmUnmap(real(f), remove); },
    };
    return &kMethods;
  }

  static inline ShimDisk* current_ = nullptr;
  static inline sqlite3_vfs* real_vfs_ = nullptr;
  sqlite3_vfs vfs_{};
};

}  // namespace balcony::storage
