/*
 * http.c - libcurl, held short
 *
 * A log is read from somebody who may lie, hang, or send without end: so sizes are capped where
 * bytes come in, and time twice, for the whole and for standing still.
 */
#include "http.h"

#include "base/limits.h"
#include "commands.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_S = 30, STANDSTILL_BYTES_PER_S = 100, ROOM_FIRST_BYTES = 1 << 16 };

struct http {
    CURL *easy;
    struct curl_slist *fields;
    size_t bytes_max, n, cap;
    bool too_long;
    uint8_t *bytes;
    char failure[CURL_ERROR_SIZE];
    char problem[CURL_ERROR_SIZE + 600];
};

static bool make_room(struct http *http, size_t n_more)
{
    size_t wanted = http->n + n_more;
    if (wanted <= http->cap)
        return true;
    size_t cap = http->cap ? http->cap : ROOM_FIRST_BYTES;
    while (cap < wanted)
        cap *= 2;
    uint8_t *larger = realloc(http->bytes, cap);
    if (!larger)
        return false;
    http->bytes = larger;
    http->cap = cap;
    return true;
}

/* libcurl's: anything but n_items ends the transfer. */
static size_t take(char *bytes, size_t item_bytes, size_t n_items, void *context)
{
    struct http *http = context;
    size_t n = item_bytes * n_items;
    http->too_long = n > http->bytes_max - http->n;
    if (http->too_long || !make_room(http, n))
        return 0;
    memcpy(http->bytes + http->n, bytes, n);
    http->n += n;
    return n_items;
}

/* Each option is one that this libcurl has; a failure means no memory. */
static bool set_up(struct http *http, const char *ca_file, long timeout_s)
{
    CURL *easy = http->easy;
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->fields) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluis-audit") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT, timeout_s) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, timeout_s) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)STANDSTILL_BYTES_PER_S) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, timeout_s) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->failure) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, http) == CURLE_OK &&
           (!ca_file || curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) == CURLE_OK);
}

static int read_timeout(const struct cli *cli, uint64_t *timeout_s)
{
    *timeout_s = TIMEOUT_S;
    if (!cli->given[KEY_TIMEOUT])
        return EX_OK;
    if (!cli_value_u64(cli, KEY_TIMEOUT, "--timeout", LIMIT_MAX_audit_timeout_s, timeout_s))
        return EX_USAGE;
    return *timeout_s > 0 ? EX_OK : cli_misused(cli, "--timeout wants at least 1, found 0");
}

int http_check_options(struct cli *cli)
{
    uint64_t timeout_s;
    return read_timeout(cli, &timeout_s);
}

enum sl_err http_open(const struct cli *cli, struct http **out)
{
    uint64_t timeout_s;
    if (read_timeout(cli, &timeout_s) != EX_OK)
        return SL_EINTERNAL;
    SL_AUTO(http) http = calloc(1, sizeof *http);
    if (http && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        http->easy = curl_easy_init();
        http->fields = curl_slist_append(NULL, "Accept-Encoding: identity");
    }
    if (!http || !http->easy || !http->fields ||
        !set_up(http, cli->values[KEY_CA], (long)timeout_s))
        return SL_EINTERNAL;
    *out = http;
    http = NULL;
    return SL_OK;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->easy);
    curl_slist_free_all(http->fields);
    free(http->bytes);
    free(http);
}

const char *http_problem(const struct http *http)
{
    return http->problem;
}

enum http_end http_get(struct http *http, const char *url, size_t bytes_max, struct slice *body)
{
    http->n = 0;
    http->bytes_max = bytes_max;
    http->too_long = false;
    http->failure[0] = 0;
    CURLcode code = curl_easy_setopt(http->easy, CURLOPT_URL, url);
    if (code == CURLE_OK)
        code = curl_easy_perform(http->easy);
    long status = 0;
    (void)curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && status == 200) {
        *body = slice_of(http->bytes, http->n);
        return HTTP_GOT;
    }
    if (http->too_long && (status == 200 || status == 0))
        snprintf(http->problem, sizeof http->problem,
                 "%.500s: more than the %zu bytes that can be there", url, bytes_max);
    else if (code == CURLE_OK || http->too_long)
        snprintf(http->problem, sizeof http->problem, "%.500s: answered with status %ld", url,
                 status);
    else
        snprintf(http->problem, sizeof http->problem, "%.500s: %s", url,
                 http->failure[0] ? http->failure : curl_easy_strerror(code));
    return code == CURLE_OK && status == 404 ? HTTP_NOT_THERE : HTTP_FAILED;
}
