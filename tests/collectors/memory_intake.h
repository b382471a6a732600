// Takes what collectors hand on and keeps it in memory, row by row, so that tests can look.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "collectors/collector.h"

namespace reeve::collect {

class MemoryIntake : public Intake {
 public:
  struct Row {
    uint64_t source = 0;  // the position's id
    std::string service;
    Bytes body;
    // Of structured rows alone.
    WallTime time;
    wire::Level level = wire::Level::unset;
    std::map<std::string, std::string> fields;
  };
  struct Metric {
    std::string unit;
    wire::MetricKind kind = wire::MetricKind::gauge;
    double value = 0;
  };

  SourceHandle open_source(const wire::SourcePosition& position, std::string_view service) override {
    handles_.push_back({position.id, std::string(service)});
    return static_cast<SourceHandle>(handles_.size() - 1);
  }
  void line(SourceHandle source, BytesView body) override {
    check(!closed_.contains(source), "a source that is finished is opened again before it gives rows");
    Row row;
    row.source = handles_.at(source).first;
    row.service = handles_.at(source).second;
    row.body = body;
    rows.push_back(std::move(row));
  }
  void record(SourceHandle source, BytesView body, const Structured& structured) override {
    line(source, body);
    Row& row = rows.back();
    if (!structured.service.empty()) row.service = structured.service;
    row.time = structured.time;
    row.level = structured.level;
    for (const wire::Field& field : structured.fields) row.fields.emplace(field.key, field.value);
  }
  void advance(SourceHandle source, const wire::SourcePosition& position) override {
    check(handles_.at(source).first == position.id, "a source advances under its own handle");
    check(!closed_.contains(source), "a source that is finished is opened again before it advances");
    if (position.finished) closed_.insert(source);
    positions[position.id] = position;
    advances.push_back({position, rows.size()});
  }
  void metric(const wire::MetricPoint& point) override {
    std::string name(point.name);
    for (const wire::Field& label : point.labels) {
      name += name.size() == point.name.size() ? "{" : ",";
      name += std::string(label.key) + "=" + std::string(label.value);
    }
    if (!point.labels.empty()) name += "}";
    metrics[name] = {.unit = std::string(point.unit), .kind = point.kind, .value = point.value};
  }
  bool full() const override { return rows.size() >= rows_max; }
  void dropped(std::string_view reason, uint64_t bytes) override { drops[std::string(reason)] += bytes; }

  std::vector<Bytes> bodies() const {
    std::vector<Bytes> bodies;
    for (const Row& row : rows) bodies.push_back(row.body);
    return bodies;
  }
  std::vector<wire::SourcePosition> latest() const {
    std::vector<wire::SourcePosition> latest;
    for (const auto& [id, position] : positions) latest.push_back(position);
    return latest;
  }

  struct Advance {
    wire::SourcePosition position;
    size_t rows;  // handed on before it
  };
  std::vector<Row> rows;
  std::vector<Advance> advances;
  std::map<uint64_t, wire::SourcePosition> positions;
  std::map<std::string, Metric> metrics;  // "name{key=value,key=value}"
  std::map<std::string, uint64_t> drops;
  size_t rows_max = SIZE_MAX;

 private:
  std::vector<std::pair<uint64_t, std::string>> handles_;
  std::set<SourceHandle> closed_;
};

}  // namespace reeve::collect
