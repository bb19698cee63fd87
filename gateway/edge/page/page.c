/*
 * page.c - the listener: what may reach the page at all, and which part answers
 *
 *   request ─▶ Host known? ─▶ language ─▶ session ─▶ changes something? ─▶ came from here? ─▶ part
 *
 * Each arrow can only refuse. What refuses says nothing about anybody.
 */
#include "edge/page/page.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "edge/page/assets.h"
#include "edge/page/view.h"
#include "edge/server.h"
#include "edge/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_BYTES = 320, OWN_HOSTS = 2 };

struct page {
    struct node *node;
    struct store_reader *reader;
    struct session_table *sessions;
    struct server *server;
    uint16_t port;
    bool has_tls;
    char own_host_texts[OWN_HOSTS][HOST_BYTES];
    struct slice own_hosts[OWN_HOSTS]; /* used when none are configured */
    uint8_t name[STORE_SUBJECT_NAME_BYTES_MAX];
    uint8_t *html, *form;
};

/* What a browser must not do with any page of ours. */
static const struct server_header safety[] = {
    {"Content-Security-Policy",
     "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
     "frame-ancestors 'none'; base-uri 'none'"},
    {"Referrer-Policy", "same-origin"},
    /* without any, a form would come from "null" */
    {"X-Frame-Options", "DENY"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
};

/* ------------------------------------------------------------------------- who is this from -- */

static bool is_own_host(const struct page *page, struct slice host)
{
    const struct config *config = page->node->config;
    for (size_t i = 0; i < config->n_page_hosts; i++)
        if (slice_equals(host, config->page_hosts[i]))
            return true;
    for (size_t i = 0; config->n_page_hosts == 0 && i < OWN_HOSTS; i++)
        if (slice_equals(host, page->own_hosts[i]))
            return true;
    return false;
}

/* https://host, as this request's own origin. */
static bool is_own_origin(const struct page *page, struct slice host, struct slice origin)
{
    static const struct slice in_clear = SLICE_LITERAL("http://"), tls = SLICE_LITERAL("https://");
    const struct slice scheme = page->has_tls ? tls : in_clear;
    return origin.n == scheme.n + host.n && slice_equals(slice_of(origin.p, scheme.n), scheme) &&
           slice_equals(slice_of(origin.p + scheme.n, host.n), host);
}

/*
 * Did the page itself send this form? Browsers say so in Sec-Fetch-Site and in Origin; each that is
 * there must agree, and one must be there.
 */
static bool is_from_here(const struct page *page, const struct server_request *request)
{
    const struct slice origin = server_field(request, "Origin");
    const struct slice site = server_field(request, "Sec-Fetch-Site");
    if (origin.n == 0 && site.n == 0)
        return false;
    return (site.n == 0 || slice_equals_str(site, "same-origin")) &&
           (origin.n == 0 || is_own_origin(page, server_field(request, "Host"), origin));
}

static enum language language_of(const struct server_request *request)
{
    struct slice chosen;
    enum language language;
    if (cookie_get(server_field(request, "Cookie"), "__Host-language", &chosen) &&
        language_by_code(chosen, &language))
        return language;
    return language_of_browser(server_field(request, "Accept-Language"));
}

/* The session, if there is one, and its subject's name. Who was erased is signed out. */
static void sign_in(struct page *page, struct view *view)
{
    struct slice token;
    struct store_subject subject;
    if (!cookie_get(server_field(view->request, "Cookie"), "__Host-sluis", &token) ||
        !session_use(page->sessions, token, view->now_ms, &view->session))
        return;
    if (store_read(page->reader, view->session.subject, &subject) != SL_OK)
        return;
    if (subject.found && subject.name.n <= sizeof page->name) {
        memcpy(page->name, subject.name.p, subject.name.n);
        view->name = slice_of(page->name, subject.name.n);
        view->is_signed_in = true;
    }
    store_read_end(page->reader);
    if (!view->is_signed_in)
        session_end_all(page->sessions, view->session.subject);
}

/* ------------------------------------------------------------------------------- which part -- */

enum need { NEED_NOTHING, NEED_SESSION };

static const struct route {
    const char *method, *path; /* a path that ends with a slash (but "/") may have more after it */
    enum need need;
    void (*show)(struct view *view);
} routes[] = {
    {"GET", "/", NEED_SESSION, overview_show},
    {"GET", "/consents/", NEED_SESSION, stop_ask},
    {"POST", "/consents/", NEED_SESSION, stop_do},
    {"GET", "/sessions", NEED_SESSION, sessions_show},
    {"POST", "/sessions", NEED_SESSION, sessions_end},
    {"GET", "/login/", NEED_NOTHING, login_look},
    {"POST", "/login", NEED_NOTHING, login_spend},
    {"POST", "/logout", NEED_SESSION, logout},
    {"POST", "/language", NEED_NOTHING, language_set},
};

static bool path_matches(struct view *view, const char *path)
{
    const struct slice own = slice_of_str(path);
    const bool has_more = own.n > 1 && own.p[own.n - 1] == '/';
    if (!has_more)
        return slice_equals(view->path, own);
    if (view->path.n <= own.n || !slice_starts_with_str(view->path, path))
        return false;
    view->rest = slice_of(view->path.p + own.n, view->path.n - own.n);
    return true;
}

static const struct route *route_find(struct view *view)
{
    static const struct slice get = SLICE_LITERAL("GET");
    const bool is_head = slice_equals_str(view->request->method, "HEAD");
    const struct slice method = is_head ? get : view->request->method;
    for (size_t i = 0; i < SL_LENGTH(routes); i++)
        if (slice_equals_str(method, routes[i].method) && path_matches(view, routes[i].path))
            return &routes[i];
    return NULL;
}

/* A form that changes something, from here, and in this session. */
static bool may_change(struct page *page, struct view *view, const struct route *route)
{
    const struct slice csrf = slice_of_str(view->session.csrf);
    if (!is_from_here(page, view->request)) {
        view_message(view, 403, WORD_TITLE, WORD_PROBLEM_ORIGIN);
        return false;
    }
    if (!form_parse(view->request->body, page->form, &view->form)) {
        view_message(view, 400, WORD_TITLE, WORD_PROBLEM_FORM);
        return false;
    }
    if (route->need == NEED_SESSION &&
        !slice_equals_constant_time(form_get(&view->form, "csrf"), csrf)) {
        view_message(view, 403, WORD_TITLE, WORD_PROBLEM_ORIGIN);
        return false;
    }
    return true;
}

static void answer_view(struct page *page, struct view *view)
{
    const struct route *route = route_find(view);
    if (!is_own_host(page, server_field(view->request, "Host"))) {
        view_message(view, 421, WORD_TITLE, WORD_PROBLEM_HOST);
        return;
    }
    sign_in(page, view);
    if (!route)
        view_message(view, 404, WORD_TITLE, WORD_PROBLEM_MISSING);
    else if (route->need == NEED_SESSION && !view->is_signed_in)
        login_needed(view);
    else if (slice_equals_str(view->request->method, "POST") && !may_change(page, view, route))
        return;
    else
        route->show(view);
}

static void answer(void *context, const struct server_request *request,
                   struct server_answer *answer)
{
    struct page *page = context;
    struct view view = {
        .node = page->node,
        .reader = page->reader,
        .sessions = page->sessions,
        .request = request,
        .path = request->target,
        .now_ms = clock_monotonic_ms(),
        .language = language_of(request),
        .html = writer_over(page->html, LIMIT_MAX_page_bytes),
        .answer = answer,
    };
    const uint8_t *query = memchr(request->target.p, '?', request->target.n);
    if (query)
        view.path.n = (size_t)(query - request->target.p);
    for (size_t i = 0; i < SL_LENGTH(safety); i++)
        view_header(&view, safety[i].name, safety[i].value);
    if (!asset_answer(view.path, answer))
        answer_view(page, &view);
    memset(&view.session, 0, sizeof view.session);
}

/* ---------------------------------------------------------------------------- start and stop -- */

/* 127.0.0.1:8461, with the port that it became; and localhost for it. */
static void name_own_hosts(struct page *page)
{
    struct slice text = page->node->config->page_listener.text;
    while (text.n > 0 && text.p[text.n - 1] != ':')
        text.n--;
    snprintf(page->own_host_texts[0], HOST_BYTES, "%.*s%u", SLICE_PRINTF(text), page->port);
    snprintf(page->own_host_texts[1], HOST_BYTES, "localhost:%u", page->port);
    for (size_t i = 0; i < OWN_HOSTS; i++)
        page->own_hosts[i] = slice_of_str(page->own_host_texts[i]);
}

static enum sl_err start_server(struct page *page, const char *certificate, const char *key,
                                struct edge_problem *problem)
{
    const struct config *config = page->node->config;
    const struct config_listener *at = &config->page_listener;
    int fd = socket_listen(&at->address, at->address_bytes, false, &page->port);
    if (fd < 0) {
        snprintf(problem->text, sizeof problem->text,
                 "cannot listen on %.*s: %s; stop what listens there, or change listen.page",
                 SLICE_PRINTF(at->text), strerror(errno));
        return SL_ESTORE;
    }
    name_own_hosts(page);
    page->has_tls = certificate != NULL;
    const struct server_config server = {
        .listen_fd = fd,
        .certificate = certificate,
        .key = key,
        .thread_name = "page",
        .limits = &config->limits,
        .n_connections = (unsigned)config->limits.page_connections,
        .n_address_connections = (unsigned)config->limits.page_connections_per_address,
        .body_bytes_max = LIMIT_MAX_page_body_bytes,
        .answer = answer,
        .context = page,
    };
    enum sl_err err = server_start(&server, &page->server);
    if (err != SL_OK)
        snprintf(problem->text, sizeof problem->text,
                 "cannot start the page: out of memory or descriptors");
    return err;
}

enum sl_err page_start(struct node *node, const char *certificate, const char *key,
                       struct edge_problem *problem, struct page **out)
{
    snprintf(problem->text, sizeof problem->text, "out of memory");
    struct page *page = calloc(1, sizeof *page);
    if (!page)
        return SL_EINTERNAL;
    page->node = node;
    page->html = malloc(LIMIT_MAX_page_bytes);
    page->form = malloc(LIMIT_MAX_page_body_bytes);
    enum sl_err err = page->html && page->form ? SL_OK : SL_EINTERNAL;
    if (err == SL_OK)
        err = session_table_new(&page->sessions);
    if (err == SL_OK)
        err = store_reader_new(node->store, &page->reader);
    if (err == SL_OK)
        err = start_server(page, certificate, key, problem);
    if (err != SL_OK) {
        page_stop(page);
        return err;
    }
    *out = page;
    return SL_OK;
}

void page_stop(struct page *page)
{
    if (!page)
        return;
    server_stop(page->server);
    store_reader_free(page->reader);
    session_table_free(page->sessions);
    free(page->html);
    free(page->form);
    free(page);
}

uint16_t page_port(const struct page *page)
{
    return page->port;
}

enum sl_err page_login_link(struct page *page, const uint8_t subject[STORE_SUBJECT_ID_BYTES],
                            char link[PAGE_LINK_BYTES])
{
    const struct config *config = page->node->config;
    const struct slice host = config->n_page_hosts > 0 ? config->page_hosts[0] : page->own_hosts[0];
    char token[SESSION_TOKEN_CHARS + 1];
    SL_TRY(session_link_new(page->sessions, subject, clock_monotonic_ms(), token));
    snprintf(link, PAGE_LINK_BYTES, "%s://%.*s/login/%s", page->has_tls ? "https" : "http",
             SLICE_PRINTF(host), token);
    return SL_OK;
}
