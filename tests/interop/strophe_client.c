/* A client on libstrophe, as an agent: README.md describes the lines that go in and out.
 *
 * strophe_client JID PASSWORD ADDRESS PORT
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <time.h>
#include <unistd.h>

struct agent {
  xmpp_ctx_t* ctx;
  xmpp_conn_t* conn;
  char mechanism[64];
  char input[8192];
  size_t input_size;
  int quit;
  int begun;
  const char** arguments;
  xmpp_sm_state_t* session; /* of a connection that broke (XEP-0198) */
};

/* libstrophe does not tell which mechanism it used, but it logs what it sends. */
static void on_log(void* userdata, xmpp_log_level_t level, const char* area, const char* text) {
  struct agent* agent = userdata;
  const char* found = strstr(text, "mechanism=\"");
  (void)level;
  (void)area;
  if (found != NULL && strstr(text, "<auth") != NULL) {
    sscanf(found, "mechanism=\"%63[^\"]", agent->mechanism);
  }
}

static void send_presence(struct agent* agent, const char* to, const char* type) {
  xmpp_stanza_t* presence = xmpp_presence_new(agent->ctx);
  if (to != NULL) {
    xmpp_stanza_set_to(presence, to);
  }
  if (type != NULL) {
    xmpp_stanza_set_type(presence, type);
  }
  xmpp_send(agent->conn, presence);
  xmpp_stanza_release(presence);
}

static int on_message(xmpp_conn_t* conn, xmpp_stanza_t* stanza, void* userdata) {
  struct agent* agent = userdata;
  char* body = xmpp_message_get_body(stanza);
  (void)conn;
  if (body != NULL) {
    printf("message\t%s\t%s\t%d\n", xmpp_stanza_get_from(stanza), body,
           xmpp_stanza_get_child_by_name_and_ns(stanza, "delay", "urn:xmpp:delay") != NULL);
    xmpp_free(agent->ctx, body);
  }
  return 1;
}

static int on_presence(xmpp_conn_t* conn, xmpp_stanza_t* stanza, void* userdata) {
  const char* type = xmpp_stanza_get_type(stanza);
  const char* from = xmpp_stanza_get_from(stanza);
  (void)conn;
  if (type != NULL && strcmp(type, "subscribe") == 0) {
    send_presence(userdata, from, "subscribed");
  } else {
    printf("presence\t%s\t%s\n", from, type == NULL ? "available" : type);
  }
  return 1;
}

static int on_roster(xmpp_conn_t* conn, xmpp_stanza_t* stanza, void* userdata) {
  xmpp_stanza_t* query = xmpp_stanza_get_child_by_ns(stanza, XMPP_NS_ROSTER);
  (void)conn;
  (void)userdata;
  printf("roster\t");
  for (xmpp_stanza_t* item = query == NULL ? NULL : xmpp_stanza_get_children(query); item != NULL;
       item = xmpp_stanza_get_next(item)) {
    printf("%s=%s ", xmpp_stanza_get_attribute(item, "jid"),
           xmpp_stanza_get_attribute(item, "subscription"));
  }
  printf("\n");
  return 0;
}

static void ask_for_roster(struct agent* agent) {
  xmpp_stanza_t* iq = xmpp_iq_new(agent->ctx, "get", "roster");
  xmpp_stanza_t* query = xmpp_stanza_new(agent->ctx);
  xmpp_stanza_set_name(query, "query");
  xmpp_stanza_set_ns(query, XMPP_NS_ROSTER);
  xmpp_stanza_add_child(iq, query);
  xmpp_id_handler_add(agent->conn, on_roster, "roster", agent);
  xmpp_send(agent->conn, iq);
  xmpp_stanza_release(query);
  xmpp_stanza_release(iq);
}

static void obey(struct agent* agent, char* line) {
  char* words[3] = {line, NULL, NULL};
  for (int i = 1; i < 3; ++i) {
    char* tab = words[i - 1] == NULL ? NULL : strchr(words[i - 1], '\t');
    if (tab != NULL) {
      *tab = '\0';
      words[i] = tab + 1;
    }
  }
  if (strcmp(line, "presence") == 0) {
    send_presence(agent, NULL, NULL);
  } else if (strcmp(line, "roster") == 0) {
    ask_for_roster(agent);
  } else if (strcmp(line, "subscribe") == 0 && words[1] != NULL) {
    send_presence(agent, words[1], "subscribe");
  } else if (strcmp(line, "send") == 0 && words[2] != NULL) {
    xmpp_stanza_t* message = xmpp_message_new(agent->ctx, "chat", words[1], NULL);
    xmpp_message_set_body(message, words[2]);
    xmpp_send(agent->conn, message);
    xmpp_stanza_release(message);
  } else if (strcmp(line, "quit") == 0) {
    agent->quit = 1;
    xmpp_disconnect(agent->conn);
  }
}

static void on_connection(xmpp_conn_t* conn, xmpp_conn_event_t event, int error,
                          xmpp_stream_error_t* stream_error, void* userdata) {
  struct agent* agent = userdata;
  if (event == XMPP_CONN_CONNECT) {
    agent->begun = 1;
    xmpp_handler_add(conn, on_message, NULL, "message", NULL, agent);
    xmpp_handler_add(conn, on_presence, NULL, "presence", NULL, agent);
    printf("online\t%s\t%s\n", xmpp_conn_get_bound_jid(conn), agent->mechanism);
    return;
  }
  if (!agent->quit && agent->begun) {
    agent->session = xmpp_conn_get_sm_state(conn);
    printf("offline\n");
    return;
  }
  if (!agent->quit) {
    printf("failed\terror %d, stream error %d\n", error,
           stream_error == NULL ? -1 : (int)stream_error->type);
  }
  printf("offline\n");
  agent->quit = 1;
  xmpp_stop(agent->ctx);
}

static void read_commands(struct agent* agent) {
  struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
  if (poll(&in, 1, 0) != 1) {
    return;
  }
  ssize_t size = read(STDIN_FILENO, agent->input + agent->input_size,
                      sizeof agent->input - agent->input_size - 1);
  if (size <= 0) {
    agent->quit = 1;
    xmpp_disconnect(agent->conn);
    return;
  }
  agent->input_size += (size_t)size;
  agent->input[agent->input_size] = '\0';
  for (char* end; (end = strchr(agent->input, '\n')) != NULL;) {
    *end = '\0';
    obey(agent, agent->input);
    agent->input_size -= (size_t)(end + 1 - agent->input);
    memmove(agent->input, end + 1, agent->input_size + 1);
  }
}

static void make_connection(struct agent* agent) {
  agent->conn = xmpp_conn_new(agent->ctx);
  /* The server's certificate is self-signed. */
  xmpp_conn_set_flags(agent->conn, XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_TRUST_TLS);
  xmpp_conn_set_jid(agent->conn, agent->arguments[1]);
  xmpp_conn_set_pass(agent->conn, agent->arguments[2]);
}

static int begin_connection(struct agent* agent) {
  return xmpp_connect_client(agent->conn, agent->arguments[3],
                             (unsigned short)atoi(agent->arguments[4]), on_connection, agent);
}

/* After a broken connection; tried again by main() until it works. libstrophe 0.12 forgets its
 * session after an attempt that fails: it waits until the line is likely to be back. */
static void connect_again(struct agent* agent) {
  struct timespec pause = {.tv_sec = 2, .tv_nsec = 0};
  xmpp_conn_release(agent->conn);
  nanosleep(&pause, NULL);
  make_connection(agent);
  if (agent->session != NULL && xmpp_conn_set_sm_state(agent->conn, agent->session) == XMPP_EOK) {
    agent->session = NULL;
  }
  begin_connection(agent);
}

int main(int argc, char** argv) {
  struct agent agent = {.mechanism = "?"};
  xmpp_log_t log = {.handler = on_log, .userdata = &agent};
  if (argc != 5) {
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  xmpp_initialize();
  agent.ctx = xmpp_ctx_new(NULL, &log);
  agent.arguments = (const char**)argv;
  make_connection(&agent);
  if (begin_connection(&agent) != XMPP_EOK) {
    printf("failed\tno connection\n");
    return 1;
  }
  while (!agent.quit || xmpp_conn_is_connected(agent.conn)) {
    xmpp_run_once(agent.ctx, 20);
    if (!agent.quit && xmpp_conn_is_connected(agent.conn)) {
      read_commands(&agent);
    } else if (!agent.quit && agent.begun && xmpp_conn_is_disconnected(agent.conn)) {
      connect_again(&agent);
    }
  }
  xmpp_conn_release(agent.conn);
  xmpp_ctx_free(agent.ctx);
  xmpp_shutdown();
  return 0;
}
