// OpenTelemetry's doors: POST /v1/logs and /v1/metrics, OTLP over HTTP as Protobuf or JSON.
//
// Everything is answered in the request's own type: success with how much was left out and why, failure as a `Status`
// body, whoever refused (the gate, the size, this file). A request whose rows all carry their times goes by a hash of
// its bytes: clients send the same bytes again when they did not hear the answer, and that is stored once.
#include <array>

#include "common/base/json.h"
#include "proto/otlp.pb.h"
#include "server/api/params.h"
#include "server/doors/door.h"
#include "server/doors/otlp_convert.h"
#include "server/doors/otlp_json.h"
#include "server/doors/tables.h"

namespace reeve::server {
namespace {

namespace otlp = proto::otlp;

constexpr std::string_view protobuf_type = "application/x-protobuf";
constexpr std::string_view json_type = "application/json";

bool is_json(const sys::HttpHeaders& headers) {
  const std::string* type = sys::find_header(headers, "Content-Type");
  return type != nullptr && media_type(*type) == json_type;
}

// gRPC's number for what HTTP says with a status.
int grpc_code(int status) {
  switch (status) {
    case 401:
      return 16;  // unauthenticated
    case 403:
      return 7;  // permission denied
    case 404:
      return 5;  // not found
    case 409:
      return 10;  // aborted
    case 413:
    case 429:
      return 8;  // resource exhausted
    case 503:
      return 14;  // unavailable
    default:
      return status >= 500 ? 13 : 3;  // internal, invalid argument
  }
}

// A problem's detail as a Status in the request's type.
void tell_as_status(const ApiRequest& request, sys::HttpResponse& response) {
  const Result<Json> problem = parse_json(response.body);
  const std::string detail =
      problem.ok() ? problem->string_or("detail") : std::string(sys::reason_phrase(response.status));
  const bool json = is_json(request.headers);
  if (json) {
    Json body;
    body.set("code", grpc_code(response.status));
    body.set("message", detail);
    response.body = body.dump();
  } else {
    otlp::ErrorStatus status;
    status.set_code(grpc_code(response.status));
    status.set_message(detail);
    response.body = status.SerializeAsString();
  }
  for (sys::HttpHeader& header : response.headers) {
    if (header.name == "Content-Type") header.value = std::string(json ? json_type : protobuf_type);
  }
}

template <typename Response>
Reply answer(bool json, std::string_view rejected_name, uint64_t rejected, const std::string& reason) {
  Reply reply{.status = 200, .content_type = std::string(json ? json_type : protobuf_type)};
  if (json) {
    Json body{Json::Object{}};
    if (rejected > 0) {
      Json partial;
      partial.set(rejected_name, std::to_string(rejected));
      partial.set("errorMessage", reason);
      body.set("partialSuccess", std::move(partial));
    }
    reply.body = body.dump();
  } else if (rejected > 0) {
    Response response;
    response.mutable_partial()->set_rejected(static_cast<int64_t>(rejected));
    response.mutable_partial()->set_reason(reason);
    reply.body = response.SerializeAsString();
  }
  return reply;
}

template <typename Request>
Result<OtlpSignals> decode(const ApiRequest& request, bool json) {
  Request message;
  if (json) {
    TRY(parse_otlp_json(request.body, message));
  } else if (!message.ParseFromArray(request.body.data(), static_cast<int>(request.body.size()))) {
    return Error(Code::invalid, "the body of " + std::to_string(request.body.size()) +
                                    " bytes is not the Protobuf message of this route");
  }
  return convert(message);
}

template <typename Request, typename Response>
Result<Answer> take(ApiContext& context, const ApiRequest& request, Door door, std::string_view rejected_name) {
  TRY(QueryParams::parse(request.query, {}));
  const std::string* type = sys::find_header(request.headers, "Content-Type");
  const std::string_view media = type == nullptr ? std::string_view() : media_type(*type);
  if (media != protobuf_type && media != json_type) {
    return Answer(refuse(request, 415,
                         "the Content-Type is \"" + printable(media, 60) +
                             "\"; allowed are application/x-protobuf and application/json"));
  }
  const bool json = media == json_type;
  Result<OtlpSignals> signals = decode<Request>(request, json);
  if (!signals.ok()) {
    count_items(context, door, DoorOutcome::invalid, 1);
    return signals.error();
  }
  count_items(context, door, DoorOutcome::invalid, signals->invalid);
  count_items(context, door, DoorOutcome::unsupported, signals->unsupported);
  count_items(context, door, DoorOutcome::not_finite, signals->not_finite);
  count_fields_left_out(context, signals->fields_left_out);
  if (signals->all_have_times)
    signals->batch.request_id = hash_item_id(door_names[static_cast<size_t>(door)], request.body);
  return store_then_reply(context, door, std::move(signals->batch),
                          [json, rejected_name, rejected = signals->rejected(), reason = std::move(signals->reason)] {
                            return answer<Response>(json, rejected_name, rejected, reason);
                          });
}

Result<Answer> take_logs(ApiContext& context, const ApiRequest& request) {
  return take<otlp::LogsRequest, otlp::LogsResponse>(context, request, Door::otlp_logs, "rejectedLogRecords");
}

Result<Answer> take_metrics(ApiContext& context, const ApiRequest& request) {
  return take<otlp::MetricsRequest, otlp::MetricsResponse>(context, request, Door::otlp_metrics, "rejectedDataPoints");
}

constexpr RouteDocs otlp_docs(std::string_view summary) {
  return {.summary = summary, .takes_type = protobuf_type, .gives_type = protobuf_type};
}

constexpr std::array table{
    Route{"POST", "/v1/logs", Permission::signals_write, take_logs,
          otlp_docs("OpenTelemetry logs: OTLP over HTTP, as Protobuf or JSON, answered in the same")}
        .taking(door_body_bytes_max)
        .telling_errors(tell_as_status),
    Route{"POST", "/v1/metrics", Permission::signals_write, take_metrics,
          otlp_docs("OpenTelemetry metrics: OTLP over HTTP, as Protobuf or JSON, answered in the same")}
        .taking(door_body_bytes_max)
        .telling_errors(tell_as_status),
};

}  // namespace

std::span<const Route> otlp_routes() {
  return table;
}

}  // namespace reeve::server
