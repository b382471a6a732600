/* The smallest complete plugin: the age of a file, as a metric. Copy it and begin.
 *
 *     cc -std=c99 -Wall -Wextra -O2 -fPIC -shared -I../.. -o minimal.so minimal.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "plugins/plugin.h"

struct instance {
  const struct reeve_host *host;
  char path[4096];
};

static struct reeve_text text_of(const char *text) {
  struct reeve_text result = {text, strlen(text)};
  return result;
}

static void complain(const struct reeve_host *host, const char *text) {
  host->log(host->self, REEVE_ERROR, text, strlen(text));
}

static int32_t open_instance(const struct reeve_host *host, const struct reeve_field *config, size_t config_count,
                             void **instance) {
  struct instance *made = calloc(1, sizeof *made);
  size_t i;
  if (made == NULL) return REEVE_UNAVAILABLE;
  made->host = host;
  for (i = 0; i < config_count; ++i) {
    const struct reeve_text key = config[i].key;
    const struct reeve_text value = config[i].value;
    if (key.size == 4 && memcmp(key.data, "path", 4) == 0 && value.size > 0 && value.size < sizeof made->path) {
      memcpy(made->path, value.data, value.size);
    } else {
      complain(host, "allowed: path, the file to look at");
      free(made);
      return REEVE_INVALID;
    }
  }
  if (made->path[0] == '\0') strcpy(made->path, "/etc/hostname");
  *instance = made;
  return REEVE_OK;
}

static int32_t poll_instance(void *instance) {
  struct instance *self = instance;
  struct reeve_field label;
  struct reeve_item item;
  struct stat status;
  if (stat(self->path, &status) != 0) {
    complain(self->host, "the file is not there");
    return REEVE_UNAVAILABLE;
  }
  label.key = text_of("path");
  label.value = text_of(self->path);
  memset(&item, 0, sizeof item);
  item.size = sizeof item;
  item.kind = REEVE_GAUGE;
  item.text = text_of("minimal.file.age");
  item.unit = text_of("s");
  item.value = difftime(time(NULL), status.st_mtime);
  item.fields = &label;
  item.fields_count = 1;
  /* What finds no room is measured again the next time. */
  (void)self->host->emit(self->host->self, &item);
  return REEVE_OK;
}

static void close_instance(void *instance) {
  free(instance);
}

REEVE_EXPORT const struct reeve_plugin reeve_plugin_v1 = {
    REEVE_PLUGIN_ABI, sizeof(struct reeve_plugin), "minimal", "Measures the age of a file.",
    open_instance,    poll_instance,               close_instance,
};
