// Watches a Redis server: INFO becomes metrics, each new entry of SLOWLOG a log record.
//
//     c++ -std=c++17 -Wall -Wextra -O2 -fPIC -shared -fvisibility=hidden -I../.. -o redis.so redis.cc resp.cc
//
//     - type: plugin
//       path: /usr/lib/reeve/plugins/redis.so
//       sha256: ...
//       config:
//         address: 127.0.0.1:6379      # or the path of a UNIX socket
//         username: reeve              # with password_file alone
//         password_file: /etc/reeve/redis.password
//         timeout_ms: 2000
//         slowlog_arguments: 1         # how many of a slow command's arguments are shown; more may be secrets
//
// Every series carries the label `address`. redis.up is 1 while the server answers, else 0. Of the slow log only what
// is newer than this instance is shown, and all of it after the server has restarted.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <new>

#include "plugins/plugin.h"
#include "resp.h"

namespace {

constexpr size_t argument_bytes_max = 128;
constexpr const char* slowlog_entries = "128";

using Info = std::map<std::string, std::string>;
using Labels = std::vector<std::pair<std::string, std::string>>;

// A line of INFO that is a number, and the metric it becomes.
struct Row {
  const char* key;
  const char* name;
  const char* unit;
  reeve_kind kind;
};
constexpr Row rows[] = {
    {"uptime_in_seconds", "redis.uptime", "s", REEVE_COUNTER},
    {"connected_clients", "redis.clients.connected", "{client}", REEVE_GAUGE},
    {"blocked_clients", "redis.clients.blocked", "{client}", REEVE_GAUGE},
    {"maxclients", "redis.clients.max", "{client}", REEVE_GAUGE},
    {"used_memory", "redis.memory.used", "By", REEVE_GAUGE},
    {"used_memory_rss", "redis.memory.rss", "By", REEVE_GAUGE},
    {"used_memory_peak", "redis.memory.peak", "By", REEVE_GAUGE},
    {"used_memory_lua", "redis.memory.lua", "By", REEVE_GAUGE},
    {"maxmemory", "redis.memory.max", "By", REEVE_GAUGE},
    {"mem_fragmentation_ratio", "redis.memory.fragmentation_ratio", "1", REEVE_GAUGE},
    {"total_connections_received", "redis.connections.received", "{connection}", REEVE_COUNTER},
    {"rejected_connections", "redis.connections.rejected", "{connection}", REEVE_COUNTER},
    {"total_commands_processed", "redis.commands.processed", "{command}", REEVE_COUNTER},
    {"total_net_input_bytes", "redis.net.input", "By", REEVE_COUNTER},
    {"total_net_output_bytes", "redis.net.output", "By", REEVE_COUNTER},
    {"expired_keys", "redis.keys.expired", "{key}", REEVE_COUNTER},
    {"evicted_keys", "redis.keys.evicted", "{key}", REEVE_COUNTER},
    {"keyspace_hits", "redis.keyspace.hits", "{hit}", REEVE_COUNTER},
    {"keyspace_misses", "redis.keyspace.misses", "{miss}", REEVE_COUNTER},
    {"latest_fork_usec", "redis.latest_fork", "us", REEVE_GAUGE},
    {"connected_slaves", "redis.replicas.connected", "{replica}", REEVE_GAUGE},
    {"master_repl_offset", "redis.replication.offset", "By", REEVE_GAUGE},
    {"rdb_changes_since_last_save", "redis.rdb.changes_since_last_save", "{change}", REEVE_GAUGE},
    {"used_cpu_sys", "redis.cpu.time.system", "s", REEVE_COUNTER},
    {"used_cpu_user", "redis.cpu.time.user", "s", REEVE_COUNTER},
};

reeve_text text_of(const std::string& text) {
  return {text.data(), text.size()};
}

bool parse_number(const std::string& text, double& value) {
  if (text.empty() || text.size() > 40) return false;
  char* end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return *end == '\0';
}

Info parse_info(const std::string& text) {
  Info info;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find("\r\n", begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    const size_t colon = line.find(':');
    if (colon != std::string::npos && line[0] != '#') info[line.substr(0, colon)] = line.substr(colon + 1);
    begin = end + 2;
  }
  return info;
}

class Watch {
 public:
  Watch(const reeve_host* host, redis::Client::Options options, std::string address, size_t arguments)
      : host_(host),
        address_(std::move(address)),
        arguments_(arguments),
        since_(std::time(nullptr)),
        client_(std::move(options)) {}

  int32_t poll() {
    redis::Reply reply;
    if (!client_.command({"INFO"}, reply) || reply.kind != redis::Reply::Kind::text) {
      return down(reply.kind == redis::Reply::Kind::error ? reply.text : client_.error());
    }
    said_ = false;
    metric("redis.up", "1", REEVE_GAUGE, 1, {});
    const Info info = parse_info(reply.text);
    emit_info(info);
    const auto run = info.find("run_id");
    if (run != info.end() && run->second != run_id_) {
      if (!run_id_.empty()) since_ = 0;  // a new server: all of its slow log is new
      run_id_ = run->second;
      last_slow_id_ = -1;
    }
    return poll_slowlog();
  }

 private:
  int32_t down(const std::string& why) {
    metric("redis.up", "1", REEVE_GAUGE, 0, {});
    if (!said_) {
      const std::string text = "the server at " + address_ + " does not answer: " + why;
      host_->log(host_->self, REEVE_WARN, text.data(), text.size());
    }
    said_ = true;
    return REEVE_UNAVAILABLE;
  }

  void emit_info(const Info& info) {
    double value = 0;
    for (const Row& row : rows) {
      const auto found = info.find(row.key);
      if (found != info.end() && parse_number(found->second, value)) metric(row.name, row.unit, row.kind, value, {});
    }
    // db0:keys=1,expires=0,avg_ttl=0
    for (auto at = info.lower_bound("db0"); at != info.end() && at->first.compare(0, 2, "db") == 0; ++at) {
      unsigned long keys = 0;
      unsigned long expires = 0;
      if (std::sscanf(at->second.c_str(), "keys=%lu,expires=%lu", &keys, &expires) != 2) continue;
      metric("redis.db.keys", "{key}", REEVE_GAUGE, static_cast<double>(keys), {{"db", at->first}});
      metric("redis.db.expires", "{key}", REEVE_GAUGE, static_cast<double>(expires), {{"db", at->first}});
    }
  }

  // Oldest first, so that what finds no room is where the next look begins.
  int32_t poll_slowlog() {
    redis::Reply reply;
    if (!client_.command({"SLOWLOG", "GET", slowlog_entries}, reply)) return down(client_.error());
    if (reply.kind != redis::Reply::Kind::list) return REEVE_OK;  // not allowed to us
    for (auto entry = reply.list.rbegin(); entry != reply.list.rend(); ++entry) {
      const std::vector<redis::Reply>& parts = entry->list;
      if (parts.size() < 4 || parts[3].kind != redis::Reply::Kind::list) continue;
      const int64_t id = parts[0].integer;
      if (id <= last_slow_id_) continue;
      if (parts[1].integer >= since_ && !emit_slow(parts)) return REEVE_OK;
      last_slow_id_ = id;
    }
    return REEVE_OK;
  }

  bool emit_slow(const std::vector<redis::Reply>& parts) {
    const std::vector<redis::Reply>& words = parts[3].list;
    std::string command = words.empty() ? "?" : words[0].text;
    for (size_t i = 1; i < words.size() && i <= arguments_; ++i) {
      command += " " + words[i].text.substr(0, argument_bytes_max);
    }
    if (words.size() > arguments_ + 1) command += " ...";
    const std::string body = "slow command, " + std::to_string(parts[2].integer) + " us: " + command;
    std::vector<std::pair<std::string, std::string>> named{
        {"redis.slowlog.id", std::to_string(parts[0].integer)},
        {"redis.slowlog.duration_us", std::to_string(parts[2].integer)},
        {"redis.command", words.empty() ? "?" : words[0].text.substr(0, argument_bytes_max)},
        {"redis.address", address_},
    };
    if (parts.size() > 4) named.push_back({"client.address", parts[4].text});
    return send(REEVE_LOG, body, "", 0, named, parts[1].integer * 1000000000) != REEVE_FULL;
  }

  void metric(const char* name, const char* unit, reeve_kind kind, double value, Labels labels) {
    labels.push_back({"address", address_});
    (void)send(kind, name, unit, value, labels, 0);  // what finds no room is measured again the next time
  }

  int32_t send(reeve_kind kind, const std::string& text, const std::string& unit, double value, const Labels& labels,
               int64_t time_ns) {
    std::vector<reeve_field> fields;
    for (const auto& label : labels) fields.push_back({text_of(label.first), text_of(label.second)});
    reeve_item item{};
    item.size = sizeof item;
    item.kind = kind;
    item.time_ns = time_ns;
    item.text = text_of(text);
    item.fields = fields.data();
    item.fields_count = fields.size();
    item.level = REEVE_WARN;
    item.unit = text_of(unit);
    item.value = value;
    return host_->emit(host_->self, &item);
  }

  const reeve_host* const host_;
  const std::string address_;
  const size_t arguments_;
  int64_t since_;  // when this instance began
  redis::Client client_;
  std::string run_id_;
  int64_t last_slow_id_ = -1;
  bool said_ = false;  // that the server is away
};

int32_t refuse(const reeve_host* host, const std::string& why) {
  host->log(host->self, REEVE_ERROR, why.data(), why.size());
  return REEVE_INVALID;
}

int32_t open_watch(const reeve_host* host, const reeve_field* config, size_t config_count, void** instance) {
  std::map<std::string, std::string> values{{"address", "127.0.0.1:6379"},
                                            {"username", ""},
                                            {"password_file", ""},
                                            {"timeout_ms", "2000"},
                                            {"slowlog_arguments", "1"}};
  for (size_t i = 0; i < config_count; ++i) {
    const std::string key(config[i].key.data, config[i].key.size);
    const auto known = values.find(key);
    if (known == values.end()) {
      return refuse(
          host, "no known key: " + key + "; allowed: address, username, password_file, timeout_ms, slowlog_arguments");
    }
    known->second = config[i].value.size == 0 ? "" : std::string(config[i].value.data, config[i].value.size);
  }
  const std::string address = values["address"];
  redis::Client::Options options;
  if (address.rfind("/", 0) == 0) {
    options.host = address;
  } else {
    const size_t colon = address.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
      return refuse(host, "address is " + address + "; allowed: host:port, or the path of a UNIX socket");
    }
    options.host = address.substr(0, colon);
    options.port = address.substr(colon + 1);
    if (options.host.size() > 2 && options.host.front() == '[' && options.host.back() == ']') {
      options.host = options.host.substr(1, options.host.size() - 2);
    }
  }
  double timeout_ms = 0;
  double arguments = 0;
  if (!parse_number(values["timeout_ms"], timeout_ms) || !(timeout_ms >= 10 && timeout_ms <= 10000)) {
    return refuse(host, "timeout_ms is " + values["timeout_ms"] + "; allowed: 10 to 10000");
  }
  if (!parse_number(values["slowlog_arguments"], arguments) || !(arguments >= 0 && arguments <= 30)) {
    return refuse(host, "slowlog_arguments is " + values["slowlog_arguments"] + "; allowed: 0 to 30");
  }
  options.timeout_ms = static_cast<int>(timeout_ms);
  options.username = values["username"];
  options.password_file = values["password_file"];
  *instance = new Watch(host, std::move(options), address, static_cast<size_t>(arguments));
  return REEVE_OK;
}

// No exception may cross into the agent: without memory the far end counts as away.
int32_t try_open(const reeve_host* host, const reeve_field* config, size_t config_count, void** instance) {
  try {
    return open_watch(host, config, config_count, instance);
  } catch (const std::bad_alloc&) {
    return REEVE_UNAVAILABLE;
  }
}

int32_t try_poll(void* instance) {
  try {
    return static_cast<Watch*>(instance)->poll();
  } catch (const std::bad_alloc&) {
    return REEVE_UNAVAILABLE;
  }
}

void close_watch(void* instance) {
  delete static_cast<Watch*>(instance);
}

}  // namespace

extern "C" REEVE_EXPORT const reeve_plugin reeve_plugin_v1 = {
    REEVE_PLUGIN_ABI, sizeof(reeve_plugin),
    "redis",          "Watches a Redis server: INFO as metrics, SLOWLOG as log records.",
    try_open,         try_poll,
    close_watch,
};
