// See parser.h. Kept texts lie in a few chunks that are used again for every line.
#include <cstring>

#include "agent/parse/parser.h"

namespace reeve::agent {

void Draft::begin(BytesView line, WallTime line_arrival) {
  line_ = line;
  body_ = line;
  arrival_ = line_arrival;
  time.reset();
  level = wire::Level::unset;
  service = {};
  fields_.clear();
  fields_left_out_ = 0;

  if (chunks_.size() > chunks_kept_max) chunks_.resize(chunks_kept_max);
  chunks_used_ = 0;
  chunk_used_ = 0;
  if (!large_.empty()) large_.clear();
}

bool Draft::set_field(BytesView key, BytesView value) {
  for (wire::Field& field : fields_) {
    if (field.key != key) continue;
    field.value = value;
    return true;
  }
  if (fields_.size() == fields_max) {
    ++fields_left_out_;
    return false;
  }
  fields_.push_back({key, value});
  return true;
}

std::optional<BytesView> Draft::field(BytesView key) const {
  for (const wire::Field& field : fields_) {
    if (field.key == key) return field.value;
  }
  return {};
}

char* Draft::make_room(size_t bytes) {
  if (bytes > chunk_bytes / 4) {
    large_.push_back(std::make_unique_for_overwrite<char[]>(bytes));
    return large_.back().get();
  }
  if (chunks_used_ == 0 || bytes > chunk_bytes - chunk_used_) {
    if (chunks_used_ == chunks_.size()) chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_bytes));
    ++chunks_used_;
    chunk_used_ = 0;
  }
  char* room = chunks_[chunks_used_ - 1].get() + chunk_used_;
  chunk_used_ += bytes;
  return room;
}

BytesView Draft::keep(BytesView text) {
  if (text.empty()) return {};
  char* room = make_room(text.size());
  std::memcpy(room, text.data(), text.size());
  return {room, text.size()};
}

void Draft::save() {
  saved_.body = body_;
  saved_.time = time;
  saved_.level = level;
  saved_.service = service;
  saved_.fields.assign(fields_.begin(), fields_.end());
  saved_.fields_left_out = fields_left_out_;
}

void Draft::restore() {
  body_ = saved_.body;
  time = saved_.time;
  level = saved_.level;
  service = saved_.service;
  fields_.assign(saved_.fields.begin(), saved_.fields.end());
  fields_left_out_ = saved_.fields_left_out;
}

}  // namespace reeve::agent
