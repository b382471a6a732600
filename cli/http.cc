// HttpFetch by libcurl's multi interface, which alone can wait for the network and the user at once.
//
// The connection is kept between calls, so following costs one handshake.
#include "cli/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <cstring>

namespace reeve::cli {

namespace {

constexpr Duration connect_timeout = 10s;
constexpr int wait_ms_max = 1000;

struct Incoming {
  HttpAnswer answer;
  uint64_t bytes_max = 0;
  bool too_long = false;
};

size_t on_body(const char* data, size_t one, size_t count, void* context) {
  auto& incoming = *static_cast<Incoming*>(context);
  if (incoming.answer.body.size() + one * count > incoming.bytes_max) {
    incoming.too_long = true;
    return 0;
  }
  incoming.answer.body.append(data, one * count);
  return one * count;
}

size_t on_header(const char* data, size_t one, size_t count, void* context) {
  static constexpr std::string_view name = "x-request-id:";
  const std::string_view line(data, one * count);
  const bool is_request_id =
      line.size() > name.size() && std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) {
        return a == std::tolower(static_cast<unsigned char>(b));
      });
  if (is_request_id) {
    std::string_view value = line.substr(name.size());
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) value.remove_suffix(1);
    static_cast<Incoming*>(context)->answer.request_id = value;
  }
  return one * count;
}

long milliseconds(Duration duration) {
  return static_cast<long>(duration / 1ms);
}

class CurlFetch : public HttpFetch {
 public:
  explicit CurlFetch(int stop_descriptor) : stop_descriptor_(stop_descriptor) {
    check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl starts");
    multi_ = curl_multi_init();
    easy_ = curl_easy_init();
    check(multi_ != nullptr && easy_ != nullptr, "libcurl has memory for its handles");
  }
  ~CurlFetch() override {
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
    curl_global_cleanup();
  }
  CurlFetch(const CurlFetch&) = delete;
  CurlFetch& operator=(const CurlFetch&) = delete;

  Result<HttpAnswer> fetch(const HttpCall& call) override {
    begin(call.server);
    const std::string url = call.server + call.path + encode(call.query);
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_CUSTOMREQUEST, call.method.c_str());
    set(CURLOPT_TIMEOUT_MS, milliseconds(call.timeout));

    if (!call.ca_pem.empty()) {
      curl_blob ca{const_cast<char*>(call.ca_pem.data()), call.ca_pem.size(), CURL_BLOB_COPY};
      set(CURLOPT_CAINFO_BLOB, &ca);
    }
    curl_slist* headers = curl_slist_append(nullptr, "Accept: application/json");
    if (!call.key.empty()) headers = curl_slist_append(headers, ("Authorization: Bearer " + call.key).c_str());
    if (!call.body.empty()) {
      headers = curl_slist_append(headers, "Content-Type: application/json");
      set(CURLOPT_POSTFIELDS, call.body.data());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    } else if (call.method == "POST") {
      set(CURLOPT_POSTFIELDS, "");
    }
    set(CURLOPT_HTTPHEADER, headers);

    Incoming incoming{.answer = {}, .bytes_max = call.answer_bytes_max};
    set(CURLOPT_WRITEFUNCTION, on_body);
    set(CURLOPT_WRITEDATA, &incoming);
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, &incoming);

    const Status done = perform(call.server);
    curl_slist_free_all(headers);
    if (incoming.too_long)
      return Error(Code::exhausted, call.server + ": the answer is longer than the allowed " +
                                        std::to_string(call.answer_bytes_max >> 20) + " MiB; ask for less");
    TRY(Status(done));

    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    incoming.answer.status = static_cast<int>(status);
    return std::move(incoming.answer);
  }

  Result<std::vector<Bytes>> presented_chain(const std::string& server) override {
    begin(server);
    set(CURLOPT_URL, server.c_str());
    set(CURLOPT_CONNECT_ONLY, 1L);  // the handshake alone: an unverified server hears nothing from us
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
    set(CURLOPT_CERTINFO, 1L);
    TRY(perform(server));

    std::vector<Bytes> chain;
    curl_certinfo* certificates = nullptr;
    curl_easy_getinfo(easy_, CURLINFO_CERTINFO, &certificates);
    for (int i = 0; certificates != nullptr && i < certificates->num_of_certs; ++i) {
      for (const curl_slist* entry = certificates->certinfo[i]; entry != nullptr; entry = entry->next) {
        const std::string_view text = entry->data;
        if (text.starts_with("Cert:")) chain.emplace_back(text.substr(5));
      }
    }

    // This connection was never verified, so it must not be there for fetch() to find.
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
    multi_ = curl_multi_init();
    easy_ = curl_easy_init();
    check(multi_ != nullptr && easy_ != nullptr, "libcurl has memory for its handles");
    return chain;
  }

 private:
  template <typename T>
  void set(CURLoption option, T value) {
    check(curl_easy_setopt(easy_, option, value) == CURLE_OK, "libcurl knows the options that we set");
  }

  // What every call has in common.
  void begin(const std::string& server) {
    curl_easy_reset(easy_);
    failure_[0] = '\0';
    set(CURLOPT_ERRORBUFFER, failure_);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(connect_timeout));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_3));
    // libcurl's defaults name the system's trust store; only the profile's CA counts.
    set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    // A proxy from the environment would read what plain HTTP carries; inside TLS it sees nothing.
    if (server.starts_with("http:")) set(CURLOPT_NOPROXY, "*");
  }

  std::string encode(const std::vector<std::pair<std::string, std::string>>& query) {
    std::string text;
    for (const auto& [name, value] : query) {
      char* escaped = curl_easy_escape(easy_, value.data(), static_cast<int>(value.size()));
      check(escaped != nullptr, "libcurl has memory for a query");
      text += (text.empty() ? "?" : "&") + name + "=" + escaped;
      curl_free(escaped);
    }
    return text;
  }

  Status perform(const std::string& server) {
    check(curl_multi_add_handle(multi_, easy_) == CURLM_OK, "the handle is idle before a call");
    const Result<CURLcode> finished = wait_for_end();
    curl_multi_remove_handle(multi_, easy_);

    const CURLcode outcome = TRY(Result<CURLcode>(finished));
    if (outcome == CURLE_OK) return {};
    return failure(outcome, server);
  }

  Result<CURLcode> wait_for_end() {
    while (true) {
      int running = 0;
      if (const CURLMcode code = curl_multi_perform(multi_, &running); code != CURLM_OK)
        return Error(Code::unavailable, curl_multi_strerror(code));

      int left = 0;
      if (const CURLMsg* message = curl_multi_info_read(multi_, &left); message != nullptr) return message->data.result;

      curl_waitfd stop{.fd = stop_descriptor_, .events = CURL_WAIT_POLLIN, .revents = 0};
      curl_multi_poll(multi_, &stop, stop_descriptor_ >= 0 ? 1 : 0, wait_ms_max, nullptr);
      if (stop.revents != 0) return Error(Code::cancelled, "interrupted");
    }
  }

  Error failure(CURLcode outcome, const std::string& server) const {
    std::string reason = failure_[0] != '\0' ? failure_ : curl_easy_strerror(outcome);
    long system_error = 0;
    curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &system_error);
    if (outcome == CURLE_COULDNT_CONNECT && system_error != 0) reason = std::strerror(static_cast<int>(system_error));
    switch (outcome) {
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_ISSUER_ERROR:
        return Error(Code::denied, server + " is not the server that this login trusts: " + reason);
      case CURLE_SSL_CACERT_BADFILE:
        return Error(Code::invalid, "the stored CA certificate cannot be read: " + reason);
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_COULDNT_CONNECT:
      case CURLE_OPERATION_TIMEDOUT:
        return Error(Code::unavailable, "cannot reach " + server + ": " + reason);
      case CURLE_SSL_CONNECT_ERROR:
        return Error(Code::unavailable, "no TLS 1.3 with " + server + ": " + reason + "; does it speak plain http?");
      case CURLE_GOT_NOTHING:
        return Error(Code::unavailable, server + " closed the connection without an answer" +
                                            (server.starts_with("http:") ? "; does it speak https?" : ""));
      default:
        return Error(Code::unavailable, "the connection to " + server + " broke: " + reason);
    }
  }

  const int stop_descriptor_;
  CURLM* multi_ = nullptr;
  CURL* easy_ = nullptr;
  char failure_[CURL_ERROR_SIZE] = {};
};

}  // namespace

std::unique_ptr<HttpFetch> make_http_fetch(int stop_descriptor) {
  return std::make_unique<CurlFetch>(stop_descriptor);
}

}  // namespace reeve::cli
