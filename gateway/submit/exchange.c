/*
 * exchange.c - what libcurl may do, and what it may not
 *
 * A witness is no friend: it may answer slowly, endlessly, with anything. All of it ends at a
 * deadline or a number of bytes, and what came is only bytes for reply.c.
 */
#include "submit/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTENT_TYPE_BYTES_MAX = 128 };

struct exchange {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *fields;
    bool is_running;
    uint8_t *body; /* being sent */
    size_t head_n, answer_n;
    bool is_too_large;
    char curl_failure[CURL_ERROR_SIZE], failure[CURL_ERROR_SIZE + 16];
    char content_type[CONTENT_TYPE_BYTES_MAX];
    uint8_t answer[LIMIT_MAX_witness_answer_bytes];
};

/* ------------------------------------------------------------------------------ what comes in --
 */

/* Less than `n` tells curl to stop. */
static size_t take_body(char *bytes, size_t size, size_t n, void *context)
{
    (void)size; /* 1 */
    struct exchange *exchange = context;
    if (n > sizeof exchange->answer - exchange->answer_n) {
        exchange->is_too_large = true;
        return 0;
    }
    memcpy(exchange->answer + exchange->answer_n, bytes, n);
    exchange->answer_n += n;
    return n;
}

static size_t take_field(char *bytes, size_t size, size_t n, void *context)
{
    (void)bytes, (void)size;
    struct exchange *exchange = context;
    exchange->head_n += n;
    exchange->is_too_large = exchange->head_n > sizeof exchange->answer;
    return exchange->is_too_large ? 0 : n;
}

/* ------------------------------------------------------------------------------------ set-up -- */

static char *target_of(struct slice url)
{
    static const char path[] = "/add-checkpoint";
    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    char *target = malloc(url.n + sizeof path);
    if (target) {
        memcpy(target, url.p, url.n);
        memcpy(target + url.n, path, sizeof path);
    }
    return target;
}

/* Each option is one that this libcurl has; a failure means no memory. */
static bool set_target(CURL *easy, const struct exchange_config *config)
{
    char *target = target_of(config->url);
    bool set = target && curl_easy_setopt(easy, CURLOPT_URL, target) == CURLE_OK;
    free(target);
    return set && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           (!config->ca_file ||
            curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file) == CURLE_OK);
}

static bool set_up(struct exchange *exchange, const struct exchange_config *config)
{
    CURL *easy = exchange->easy;
    struct curl_slist *fields = curl_slist_append(NULL, "Content-Type: text/plain; charset=utf-8");
    exchange->fields = fields ? curl_slist_append(fields, "Expect:") : NULL;
    if (!exchange->fields) {
        curl_slist_free_all(fields);
        return false;
    }
    return set_target(easy, config) &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->fields) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluisd") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)config->answer_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)config->answer_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_failure) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_field) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange) == CURLE_OK;
}

enum sl_err exchange_new(const struct exchange_config *config, struct exchange **out)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return SL_EINTERNAL;
    exchange->multi = config->multi;
    exchange->easy = curl_easy_init();
    if (!exchange->easy || !set_up(exchange, config)) {
        exchange_free(exchange);
        return SL_EINTERNAL;
    }
    *out = exchange;
    return SL_OK;
}

static void stop(struct exchange *exchange)
{
    if (exchange->is_running)
        curl_multi_remove_handle(exchange->multi, exchange->easy);
    exchange->is_running = false;
    free(exchange->body);
    exchange->body = NULL;
}

void exchange_free(struct exchange *exchange)
{
    if (!exchange)
        return;
    /* A name that is just being looked up must not hold up the end of the process. */
    if (exchange->easy && exchange->is_running)
        (void)curl_easy_setopt(exchange->easy, CURLOPT_QUICK_EXIT, 1L);
    stop(exchange);
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->fields);
    free(exchange);
}

/* ------------------------------------------------------------------------------- one exchange --
 */

bool exchange_is_running(const struct exchange *exchange)
{
    return exchange->is_running;
}

bool exchange_owns(const struct exchange *exchange, const CURL *easy)
{
    return exchange->easy == easy;
}

enum sl_err exchange_start(struct exchange *exchange, struct slice body)
{
    SL_ASSERT(!exchange->is_running);
    stop(exchange);
    exchange->body = malloc(body.n + 1);
    if (!exchange->body)
        return SL_EINTERNAL;
    memcpy(exchange->body, body.p, body.n);
    exchange->head_n = exchange->answer_n = 0;
    exchange->is_too_large = false;
    exchange->curl_failure[0] = exchange->content_type[0] = 0;
    CURL *easy = exchange->easy;
    if (curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body.n) != CURLE_OK ||
        curl_multi_add_handle(exchange->multi, easy) != CURLM_OK)
        return SL_EINTERNAL;
    exchange->is_running = true;
    return SL_OK;
}

bool exchange_finish(struct exchange *exchange, CURLcode code, struct reply_http *http,
                     const char **failure)
{
    long status = 0;
    const char *content_type = NULL;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_TYPE, &content_type);
    if (content_type) {
        struct writer writer = writer_over(exchange->content_type, CONTENT_TYPE_BYTES_MAX - 1);
        write_str(&writer, content_type);
        exchange->content_type[writer.n] = 0;
    }
    stop(exchange);
    *failure = exchange->failure;
    if (exchange->is_too_large) {
        snprintf(exchange->failure, sizeof exchange->failure, "its answer is too large");
        return false;
    }
    if (code != CURLE_OK) {
        snprintf(exchange->failure, sizeof exchange->failure, "no answer: %s",
                 exchange->curl_failure[0] ? exchange->curl_failure : curl_easy_strerror(code));
        return false;
    }
    *http = (struct reply_http){(unsigned)status, slice_of_str(exchange->content_type),
                                slice_of(exchange->answer, exchange->answer_n)};
    return true;
}
