/* The plugin ABI, version 1: how a shared object hands logs and metrics to reeve-agent.
 *
 * A plugin is one file. It exports one symbol, the constant `reeve_plugin_v1`; nothing of the agent is linked into it,
 * and this header is all it needs. README.md, beside it, leads through one in ten minutes.
 *
 *     open()  gets the plugin's own configuration and makes an instance;
 *     poll()  is called every interval, looks at whatever the plugin looks at, and calls host->emit() for each finding;
 *     close() takes the instance apart.
 *
 * Threads. Each instance has a thread of its own: open, poll and close of one instance are never called at the same
 * time, and always from that thread. Two entries of a configuration are two instances, which may run at once: keep
 * no writable globals. The host's functions may be called from any thread, from the moment open() is called until
 * close() returns, and not after.
 *
 * Time. poll() may wait for its far end, but should give up by itself after a few seconds; give every connect, read
 * and write a time-out. One that does not come back for 30 s is reported; it slows down nobody but itself, and the
 * agent ends without waiting for it for longer than two seconds (and then without close()).
 *
 * Ownership. Whoever makes bytes frees them. What the plugin passes to the host is copied before the call returns.
 * What the host passes to open() lives until open() returns; the host table itself lives until close() returns.
 *
 * Failure. A function says so by its result, and says why by host->log(). It never calls exit() or abort(), lets no
 * C++ exception out, changes no signal handler, no locale, no environment and no working directory.
 *
 * Trust. A plugin runs inside of the agent, with all that the agent may do. That is why the agent loads only a file
 * that root alone can write, with exactly the SHA-256 that stands in the host's own configuration.
 *
 * Growth. Fields are only ever added, at the end of a struct; `size` says how many there are. Anything else would be
 * version 2, with a symbol of its own, and version 1 would stay. Compile as C99 or C++11, or later.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_PLUGIN_ABI 1u

/* -- Results ------------------------------------------------------------------------------------------------------- */

enum reeve_result {
  REEVE_OK = 0,

  /* poll(): there is more already, call again at once instead of after the interval. */
  REEVE_MORE = 1,

  /* open(): the configuration is wrong; it is not tried again. emit(): the item breaks a rule; do not repeat it. */
  REEVE_INVALID = -1,

  /* open(), poll(): not now (the far end is away). Called again after a pause that grows up to a minute, and shrinks
   * back with the first success. */
  REEVE_UNAVAILABLE = -2,

  /* emit(): no room. The item was not taken; return from poll() and bring it again the next time. */
  REEVE_FULL = -3,

  /* emit(): the agent ends. Return from poll(). */
  REEVE_CLOSED = -4
};

/* -- What is handed over ------------------------------------------------------------------------------------------- */

/* Any bytes; `data` may be NULL only where `size` is 0. Not terminated. */
struct reeve_text {
  const char* data;
  size_t size;
};

struct reeve_field {
  struct reeve_text key;
  struct reeve_text value;
};

enum reeve_kind {
  REEVE_LOG = 1,
  REEVE_GAUGE = 2,  /* a value that goes up and down */
  REEVE_COUNTER = 3 /* a total that only grows, but for a restart of what is counted */
};

enum reeve_level {
  REEVE_UNSET = 0,
  REEVE_TRACE = 1,
  REEVE_DEBUG = 2,
  REEVE_INFO = 3,
  REEVE_WARN = 4,
  REEVE_ERROR = 5,
  REEVE_FATAL = 6
};

/* One log record or one sample of a metric. Set all of it to zero, then what is needed; `size` and `kind` always. */
struct reeve_item {
  uint32_t size;   /* sizeof(struct reeve_item) */
  int32_t kind;    /* enum reeve_kind */
  int64_t time_ns; /* since 1970-01-01T00:00:00Z; 0: now */

  /* A log's message: any bytes, 1 to 65,536 of them. A metric's name: 1 to 256 bytes of letters, digits and "_.:/-",
   * beginning with a letter or "_". */
  struct reeve_text text;

  /* Of a log its labels beside the message, of a metric the labels that make it a series: at most 32. Keys are 1 to 128
   * bytes of UTF-8 without control characters, none twice. A log's values are any bytes, at most 8,192; a metric's are
   * UTF-8, at most 1,024. */
  const struct reeve_field* fields;
  size_t fields_count;

  /* Logs alone. */
  int32_t level;             /* enum reeve_level */
  struct reeve_text service; /* who says it: UTF-8, at most 128 bytes; empty: the plugin's name */

  /* Metrics alone. */
  struct reeve_text unit; /* as in UCUM: "s", "By", "1", or empty; at most 32 bytes */
  double value;           /* a number, and finite */
};

/* -- The host's table ---------------------------------------------------------------------------------------------- */

struct reeve_host {
  uint32_t size; /* sizeof(struct reeve_host) of the agent; look at it before using a field that came later */
  void* self;    /* the first argument of each call below */

  /* Hands over one item: REEVE_OK, REEVE_FULL, REEVE_INVALID (why is in the agent's log) or REEVE_CLOSED. Never waits.
   * The agent holds up to 4 MiB for an instance. */
  int32_t (*emit)(void* self, const struct reeve_item* item);

  /* A line in the agent's own log, under the plugin's name. At most 1,024 bytes of it are kept, and of more than 100
   * lines in a minute the rest is counted and left out. No secrets. */
  void (*log)(void* self, int32_t level, const char* text, size_t text_size);

  /* The time since some fixed moment; never goes back. */
  int64_t (*monotonic_ns)(void* self);
};

/* -- The plugin's table -------------------------------------------------------------------------------------------- */

struct reeve_plugin {
  uint32_t abi;        /* REEVE_PLUGIN_ABI */
  uint32_t size;       /* sizeof(struct reeve_plugin) */
  const char* name;    /* 1 to 32 lower-case letters, digits and "-" */
  const char* summary; /* one sentence */

  /* Reads `config`, and makes *instance: REEVE_OK, REEVE_INVALID or REEVE_UNAVAILABLE. A key it does not know is
   * REEVE_INVALID; say which by log(). It need not reach its far end: that is poll()'s work. After a failure *instance
   * is not looked at, and close() is not called. */
  int32_t (*open)(const struct reeve_host* host, const struct reeve_field* config, size_t config_count,
                  void** instance);

  /* REEVE_OK, REEVE_MORE or REEVE_UNAVAILABLE. What was emitted before a failure stands. */
  int32_t (*poll)(void* instance);

  /* Frees everything the instance has, ends its threads. Called once for each instance; for NULL it does nothing. */
  void (*close)(void* instance);
};

#if defined(__GNUC__)
#define REEVE_EXPORT __attribute__((visibility("default")))
#else
#define REEVE_EXPORT
#endif

/* The one symbol: `REEVE_EXPORT const struct reeve_plugin reeve_plugin_v1 = {...};` */
extern REEVE_EXPORT const struct reeve_plugin reeve_plugin_v1;

#ifdef __cplusplus
}
#endif
