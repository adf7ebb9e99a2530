// Commands over the control socket.
#include "app/balconyctl/runner.h"

namespace balcony::app {
namespace {

using server::Value;

// The code of this name; kInternalServerError for one that we do not know.
Errc code_of(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(Errc::kUsage); ++i) {
    if (to_string(static_cast<Errc>(i)) == name) return static_cast<Errc>(i);
  }
  return Errc::kInternalServerError;
}

class Remote final : public Runner {
 public:
  explicit Remote(UnixClient client) : client_(std::move(client)) {}

  Result<Value> run(const server::CommandSpec& spec, const Value& args, Output& output,
                    const OnProgress& progress) override {
    Value request;
    request.set("command", spec.name);
    request.set("args", args);
    BALCONY_CHECK(client_.send_line(server::to_json(request)));
    for (;;) {
      BALCONY_ASSIGN(const std::string line, client_.read_line());
      BALCONY_ASSIGN(const Value reply, server::parse_json(line));
      if (const Value* row = reply.find("row")) {
        output.add_row(*row);
      } else if (const Value* done = reply.find("progress")) {
        progress(*done);
      } else if (const Value* error = reply.find("error")) {
        return fail(code_of(error->text_of("code")), error->text_of("text"));
      } else {
        const Value* result = reply.find("result");
        return result ? *result : Value();
      }
    }
  }

 private:
  UnixClient client_;
};

}  // namespace

Result<std::unique_ptr<Runner>> connect_to_server(const std::string& control_path) {
  BALCONY_ASSIGN(UnixClient client, UnixClient::connect(control_path));
  return std::make_unique<Remote>(std::move(client));
}

}  // namespace balcony::app
