/*
 * view.h - one request to the page while it is answered; for the parts of this folder
 */
#ifndef SLUIS_EDGE_PAGE_VIEW_H
#define SLUIS_EDGE_PAGE_VIEW_H

#include "edge/page/form.h"
#include "edge/page/html.h"
#include "edge/page/session.h"
#include "edge/page/words.h"
#include "edge/server.h"
#include "flow/node.h"
#include "policy/policy.h"

enum { VIEW_HEADER_BYTES = 256 };

struct view {
    struct node *node;
    struct store_reader *reader;
    struct session_table *sessions;
    const struct server_request *request;
    struct slice path, rest; /* without the query; what follows the route's own path */
    struct form form;        /* POST */
    int64_t now_ms;          /* the monotonic clock's */
    enum language language;
    bool is_signed_in;
    struct session session;
    struct slice name; /* the subject's, while signed in; the page's copy */
    struct writer html;
    struct server_answer *answer;
    char header[2][VIEW_HEADER_BYTES]; /* room for values of headers */
};

/* Text of the page's own, and in the visitor's language. */
void view_str(struct view *view, const char *markup);
void view_word(struct view *view, enum word word);

/* Everything around a page's content: begin, then write into view->html, then end. */
void view_begin(struct view *view, unsigned status, enum word title);
void view_end(struct view *view);
/* A page that says one thing, and how to go on. */
void view_message(struct view *view, unsigned status, enum word title, enum word text);
/* 303 to a path of the page. `path` must outlive the answer. */
void view_redirect(struct view *view, const char *path);
void view_header(struct view *view, const char *name, const char *value);
/* <form method="post" action="..."> with the session's CSRF token; the caller closes it. */
void view_form(struct view *view, const char *action, struct slice rest);

/* The policy in force of who is signed in. */
struct view_policy {
    uint64_t version; /* 0: none, and the others are empty */
    struct policy_document *document;
    uint8_t *yaml;
    size_t yaml_n;
};
SL_NODISCARD enum sl_err view_policy_load(struct view *view, struct view_policy *out);
void view_policy_free(struct view_policy *policy);
/* Labels for people, from configuration and vocabulary. */
struct slice view_app_label(const struct view *view, struct slice id);
struct slice view_partner_label(const struct view *view, struct slice id);
struct slice view_term_label(const struct view *view, const struct vocabulary_term *term);

/* The pages. Each answers one row of page.c's table. */
void login_look(struct view *view);  /* GET /login/TOKEN */
void login_spend(struct view *view); /* POST /login */
void login_needed(struct view *view);
void logout(struct view *view);        /* POST /logout */
void overview_show(struct view *view); /* GET / */
void stop_ask(struct view *view);      /* GET /consents/ID/stop */
void stop_do(struct view *view);       /* POST /consents/ID/stop */
void sessions_show(struct view *view); /* GET /sessions */
void sessions_end(struct view *view);  /* POST /sessions */
void language_set(struct view *view);  /* POST /language */

#endif
