/* A plugin that misbehaves as its configuration asks, for the tests of the host. Compiled several times, with other
 * tables. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/plugin.h"

#ifndef ODD_ABI
#define ODD_ABI REEVE_PLUGIN_ABI
#endif
#ifndef ODD_SIZE
#define ODD_SIZE sizeof(struct reeve_plugin)
#endif
#ifndef ODD_NAME
#define ODD_NAME "odd"
#endif

struct instance {
  const struct reeve_host *host;
  char mode[32];
  int polls;
};

static struct reeve_text text_of(const char *text) {
  struct reeve_text result;
  result.data = text;
  result.size = strlen(text);
  return result;
}

static void say(const struct reeve_host *host, const char *text) {
  host->log(host->self, REEVE_INFO, text, strlen(text));
}

static int is(const struct instance *self, const char *mode) {
  return strcmp(self->mode, mode) == 0;
}

static int32_t open_instance(const struct reeve_host *host, const struct reeve_field *config, size_t config_count,
                             void **instance) {
  struct instance *made = calloc(1, sizeof *made);
  size_t i;
  if (made == NULL) return REEVE_UNAVAILABLE;
  made->host = host;
  strcpy(made->mode, "emit");
  for (i = 0; i < config_count; ++i) {
    if (config[i].key.size != 4 || memcmp(config[i].key.data, "mode", 4) != 0 ||
        config[i].value.size >= sizeof made->mode) {
      free(made);
      return REEVE_INVALID;
    }
    memcpy(made->mode, config[i].value.data, config[i].value.size);
    made->mode[config[i].value.size] = '\0';
  }
  if (is(made, "refuse")) {
    say(host, "no such thing");
    free(made);
    return REEVE_INVALID;
  }
  *instance = made;
  return REEVE_OK;
}

static void emit_all(struct instance *self) {
  struct reeve_field fields[2];
  struct reeve_item item;
  fields[0].key = text_of("zone");
  fields[0].value = text_of("z");
  fields[1].key = text_of("area");
  fields[1].value = text_of("a");
  memset(&item, 0, sizeof item);
  item.size = sizeof item;
  item.fields = fields;
  item.fields_count = 2;
  item.kind = REEVE_COUNTER;
  item.text = text_of("odd.polls");
  item.unit = text_of("1");
  item.value = self->polls;
  self->host->emit(self->host->self, &item);
  item.kind = REEVE_LOG;
  item.text = text_of("polled");
  item.level = REEVE_WARN;
  item.time_ns = INT64_C(1767225600000000000);
  self->host->emit(self->host->self, &item);
}

static void emit_wrong(struct instance *self) {
  struct reeve_item item;
  memset(&item, 0, sizeof item);
  self->host->emit(self->host->self, NULL);
  self->host->emit(self->host->self, &item);
  item.size = sizeof item;
  item.kind = REEVE_GAUGE;
  item.text = text_of("\xff\xfe");
  self->host->emit(self->host->self, &item);
  item.kind = REEVE_LOG;
  item.text.data = NULL;
  item.text.size = 5;
  self->host->emit(self->host->self, &item);
  self->host->log(self->host->self, 99, NULL, 7);
}

static int32_t poll_instance(void *instance) {
  struct instance *self = instance;
  ++self->polls;
  if (is(self, "hang")) {
    for (;;) pause();
  }
  if (is(self, "crash")) {
    int *volatile nowhere = NULL;
    *nowhere = 1;
  }
  if (is(self, "exit")) exit(7);
  if (is(self, "leak")) return malloc(1000) == NULL ? REEVE_UNAVAILABLE : REEVE_OK;
  if (is(self, "wrong")) emit_wrong(self);
  if (is(self, "away") && self->polls == 1) return REEVE_UNAVAILABLE;
  if (is(self, "nonsense")) return 42;
  if (is(self, "flood")) {
    static char text[60000];
    struct reeve_item item;
    memset(text, 'x', sizeof text);
    memset(&item, 0, sizeof item);
    item.size = sizeof item;
    item.kind = REEVE_LOG;
    item.text.data = text;
    item.text.size = sizeof text;
    while (self->host->emit(self->host->self, &item) == REEVE_OK) {
    }
    say(self->host, "full");
    return REEVE_OK;
  }
  if (is(self, "chatter")) {
    int i;
    for (i = 0; i < 1000; ++i) say(self->host, "chatter");
  }
  emit_all(self);
  return is(self, "more") && self->polls < 5 ? REEVE_MORE : REEVE_OK;
}

static void close_instance(void *instance) {
  struct instance *self = instance;
  if (self != NULL) say(self->host, "closed");
  free(instance);
}

REEVE_EXPORT const struct reeve_plugin reeve_plugin_v1 = {
    ODD_ABI, ODD_SIZE, ODD_NAME, "Misbehaves as it is told.", open_instance, poll_instance, close_instance,
};
