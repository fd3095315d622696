/*
 * The limit: the same call with libcurl alone, in C, as little around it as can be. limit URL CALLS AT_ONCE [json]
 *
 * Without `json` the body is a constant and the answer is only counted; with it the body is printed and the id looked for
 * as somebody does who knows where it is. BENCH_CA: a PEM file to trust. BENCH_RATE: calls a second, each begun when it
 * is due. Prints calls, the processor's seconds (getrusage), the clock's seconds, and the most memory it had, kilobytes.
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { BODY = 512, ANSWER = 4096 };

typedef struct {
  CURL *easy;
  char body[BODY], answer[ANSWER];
  size_t len;
} slot;

static bool with_json;
static double rate;

static void fail(const char *why) {
  fprintf(stderr, "limit: %s\n", why);
  exit(1);
}

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
  slot *one = arg;
  size_t len = size * count;
  if (len > sizeof one->answer - 1 - one->len) return 0;
  memcpy(one->answer + one->len, data, len);
  one->len += len;
  return len;
}

static void write_body(slot *one, long i) {
  snprintf(one->body, sizeof one->body,
           "{\"callback_url\":\"https://hooks.customer.example/luaprov/inbound/messages\",\"channel\":\"sms\","
           "\"description\":\"The front desk of a customer in the north, open from eight to six on every working day\","
           "\"enabled\":true,\"external_id\":\"customer-000042/line-0007\",\"language\":\"en\","
           "\"name\":\"Support line %ld\",\"priority\":5}", i);
}

static void prepare(slot *one, const char *url, struct curl_slist *headers) {
  CURL *easy = one->easy = curl_easy_init();
  if (!easy) fail("no memory");
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, one);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 60000L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, one);
  curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("BENCH_CA"));
  if (strncmp(url, "https:", 6) == 0) curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  write_body(one, 0);
}

static void begin(CURLM *multi, slot *one, long i) {
  one->len = 0;
  if (with_json) write_body(one, i);
  curl_easy_setopt(one->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(one->body));
  curl_easy_setopt(one->easy, CURLOPT_POSTFIELDS, one->body);
  if (multi && curl_multi_add_handle(multi, one->easy) != CURLM_OK) fail("curl_multi_add_handle");
}

static void end(slot *one, CURLcode code) {
  long status = 0;
  curl_easy_getinfo(one->easy, CURLINFO_RESPONSE_CODE, &status);
  if (code != CURLE_OK || status != 201) fail(code != CURLE_OK ? curl_easy_strerror(code) : "the status is not 201");
  if (!with_json) return;
  one->answer[one->len] = '\0';
  const char *id = strstr(one->answer, "\"id\":\"");
  if (!id || strncmp(id + 6, "7f3c1a90\"", 9) != 0) fail("the answer has another id");
}

static void run_sequential(slot *one, long calls) {
  for (long i = 0; i < calls; i++) {
    begin(NULL, one, i);
    end(one, curl_easy_perform(one->easy));
  }
}

static void run(CURLM *multi, slot *slots, long calls, long at_once) {
  long begun = 0, ended = 0, unused = 0;
  slot **idle = malloc((size_t)at_once * sizeof *idle);
  if (!idle) fail("no memory");
  for (; unused < at_once; unused++) idle[unused] = &slots[unused];
  double start = now();
  while (ended < calls) {
    int wait = 1000, running, left;
    double clock = rate > 0 ? now() : 0;
    while (unused > 0 && begun < calls && (rate <= 0 || start + (double)begun / rate <= clock))
      begin(multi, idle[--unused], begun++);
    curl_multi_perform(multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
      slot *one;
      CURLcode code = message->data.result;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&one);
      curl_multi_remove_handle(multi, one->easy);
      end(one, code);
      idle[unused++] = one;
      ended++;
      wait = 0;
    }
    if (rate > 0 && unused > 0 && begun < calls) {
      double due = (start + (double)begun / rate - now()) * 1000.0;
      wait = due <= 0 ? 0 : due < wait ? (int)due + 1 : wait;
    }
    if (wait > 0 && ended < calls) curl_multi_poll(multi, NULL, 0, wait, NULL);
  }
  free(idle);
}

int main(int argc, char **argv) {
  if (argc < 4) fail("URL CALLS AT_ONCE [json]");
  long calls = strtol(argv[2], NULL, 10), at_once = strtol(argv[3], NULL, 10);
  if (calls < 1 || at_once < 1) fail("CALLS and AT_ONCE are at least 1");
  with_json = argc > 4 && strcmp(argv[4], "json") == 0;
  if (getenv("BENCH_RATE")) rate = strtod(getenv("BENCH_RATE"), NULL);
  char url[256];
  snprintf(url, sizeof url, "%s/things", argv[1]);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  struct curl_slist *headers = NULL;
  static const char *const lines[] = {"Accept: application/json", "Content-Type: application/json",
    "Authorization: Bearer bench-token-0123456789abcdef0123456789abcdef", "User-Agent: limit", "Expect:"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) headers = curl_slist_append(headers, lines[i]);
  CURLM *multi = curl_multi_init();
  slot *slots = calloc((size_t)at_once, sizeof *slots);
  if (!multi || !slots) fail("no memory");
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, at_once);
  for (long i = 0; i < at_once; i++) prepare(&slots[i], url, headers);
  long warm = calls / 10 > at_once ? calls / 10 : at_once;
  if (at_once == 1) run_sequential(slots, warm);
  else run(multi, slots, warm, at_once);
  double before = cpu(), clock = now();
  if (at_once == 1) run_sequential(slots, calls);
  else run(multi, slots, calls, at_once);
  double used = cpu() - before, took = now() - clock;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("%ld %.6f %.6f %ld\n", calls, used, took, usage.ru_maxrss);
  for (long i = 0; i < at_once; i++) curl_easy_cleanup(slots[i].easy);
  curl_multi_cleanup(multi);
  curl_slist_free_all(headers);
  free(slots);
  return 0;
}
