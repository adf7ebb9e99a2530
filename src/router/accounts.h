// What modules may do with accounts. server/ implements it: hashing runs in the worker pool, keys
// go to storage. Called on any shard; the Task goes on there.
#pragma once

#include <balcony/jid.h>
#include <balcony/result.h>
#include <balcony/task.h>

#include <cstdint>
#include <functional>
#include <string>

namespace balcony::router {

class Accounts {
 public:
  virtual ~Accounts() = default;

  // Makes an account. Errors: kConflict when it exists; kNotAcceptable for a password that its
  // profile refuses (RFC 8265 §4); kResourceConstraint when the hashing queue is full; storage
  // errors.
  virtual Task<Result<>> create(Jid account, std::string password) = 0;

  // Changes the password; cached verifiers of the old one are forgotten. Errors: kItemNotFound; as
  // create().
  virtual Task<Result<>> set_password(Jid account, std::string password) = 0;

  // Removes the account and everything that it owns; subscriptions are cancelled, its sessions end
  // with <not-authorized/> (XEP-0077 §3.2). `when_removed` runs on the account's home shard once
  // the removal is durable, before the sessions end: the moment to answer one of them. Errors (it
  // does not run then): kItemNotFound; storage errors, after which the account is as it was.
  virtual Task<Result<>> remove(Jid account, std::function<void()> when_removed = {}) = 0;

  virtual Task<Result<bool>> exists(Jid account) = 0;

  // Counts an attempt to register from `address` (XEP-0077 §3.1.1), for the whole process and over
  // reloads. Whether it may go on: there were fewer than `per_hour` within the hour.
  virtual Task<bool> admit_registration(std::string address, std::int64_t per_hour) = 0;
};

}  // namespace balcony::router
