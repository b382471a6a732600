// An effect that can be counted, for tests: a step that is carried out twice leaves two lines.
//
//     reeve-effect add FILE PAUSE_MS     adds a line, durable, and then takes its time
//     reeve-effect has FILE              exits 0 where there is one, 1 where there is none
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

int main(int count, char** words) {
  if (count == 4 && std::strcmp(words[1], "add") == 0) {
    const int file = open(words[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0 || write(file, "x\n", 2) != 2 || fsync(file) != 0) return 3;
    usleep(static_cast<useconds_t>(std::atoi(words[3])) * 1000);
    return 0;
  }
  if (count == 3 && std::strcmp(words[1], "has") == 0) {
    struct stat found {};
    return stat(words[2], &found) == 0 && found.st_size > 0 ? 0 : 1;
  }
  return 2;
}
