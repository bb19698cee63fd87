/*
 * login.c - signing in by a link, out again, and seeing where one is signed in
 *
 * Opening the link only shows a button: programs that look at links in messages must not spend it.
 * The button's form has the token in its body.
 */
#include "edge/page/view.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

#define SESSION_COOKIE "__Host-sluis"

void login_needed(struct view *view)
{
    view_begin(view, 401, WORD_LOGIN_NEEDED_TITLE);
    view_str(view, "<p>");
    view_word(view, WORD_LOGIN_NEEDED);
    view_str(view, "<code>sluis login</code></p>");
    view_end(view);
}

static void login_gone(struct view *view)
{
    view_begin(view, 410, WORD_LOGIN_GONE_TITLE);
    view_str(view, "<p>");
    view_word(view, WORD_LOGIN_GONE);
    view_str(view, "<code>sluis login</code></p>");
    view_end(view);
}

void login_look(struct view *view)
{
    if (!session_link_holds(view->sessions, view->rest, view->now_ms)) {
        login_gone(view);
        return;
    }
    view_begin(view, 200, WORD_LOGIN_TITLE);
    view_str(view, "<p>");
    view_word(view, WORD_LOGIN_CONFIRM);
    view_str(view, "</p><form method=\"post\" action=\"/login\"><input type=\"hidden\" "
                   "name=\"link\" value=\"");
    html_text(&view->html, view->rest);
    view_str(view, "\"><p><button>");
    view_word(view, WORD_LOGIN_BUTTON);
    view_str(view, "</button></p></form>");
    view_end(view);
}

void login_spend(struct view *view)
{
    char token[SESSION_TOKEN_CHARS + 1];
    struct session session;
    if (!session_open(view->sessions, form_get(&view->form, "link"), view->now_ms, token,
                      &session)) {
        login_gone(view);
        return;
    }
    snprintf(view->header[0], VIEW_HEADER_BYTES,
             SESSION_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%d", token,
             SESSION_AGE_MAX_MS / 1000);
    view_header(view, "Set-Cookie", view->header[0]);
    view_redirect(view, "/");
    log_info("somebody signed in at the page");
}

static void forget_cookie(struct view *view)
{
    view_header(view, "Set-Cookie",
                SESSION_COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
}

static void say_signed_out(struct view *view)
{
    forget_cookie(view);
    view->is_signed_in = false;
    view_message(view, 200, WORD_SIGNED_OUT_TITLE, WORD_LOGIN_NEEDED);
}

void logout(struct view *view)
{
    (void)session_end(view->sessions, view->session.subject, view->session.number);
    say_signed_out(view);
}

void sessions_show(struct view *view)
{
    static struct session list[SESSIONS_MAX]; /* the page has one thread */
    const size_t n =
        session_list(view->sessions, view->session.subject, view->now_ms, list, SESSIONS_MAX);
    view_begin(view, 200, WORD_SESSIONS_TITLE);
    view_str(view, "<ul class=\"sessions\">");
    for (size_t i = 0; i < n; i++) {
        view_str(view, "<li>");
        view_word(view,
                  list[i].number == view->session.number ? WORD_SESSION_THIS : WORD_SESSION_OTHER);
        view_word(view, WORD_SESSION_USED);
        write_decimal(&view->html, (uint64_t)(view->now_ms - list[i].used_ms) / 60000);
        view_word(view, WORD_SESSION_AGO);
        view_form(view, "/sessions", slice_of(NULL, 0));
        view_str(view, "<button name=\"end\" value=\"");
        write_decimal(&view->html, list[i].number);
        view_str(view, "\">");
        view_word(view, WORD_SESSION_END);
        view_str(view, "</button></form></li>");
    }
    view_str(view, "</ul>");
    view_form(view, "/sessions", slice_of(NULL, 0));
    view_str(view, "<p><button name=\"end\" value=\"all\">");
    view_word(view, WORD_SESSION_END_ALL);
    view_str(view, "</button></p></form>");
    view_end(view);
    memset(list, 0, sizeof list);
}

void sessions_end(struct view *view)
{
    const struct slice which = form_get(&view->form, "end");
    uint64_t number = 0;
    if (slice_equals_str(which, "all")) {
        session_end_all(view->sessions, view->session.subject);
        say_signed_out(view);
        return;
    }
    if (!slice_to_u64(which, UINT64_MAX, &number)) {
        view_message(view, 400, WORD_SESSIONS_TITLE, WORD_PROBLEM_FORM);
        return;
    }
    (void)session_end(view->sessions, view->session.subject, number);
    if (number == view->session.number)
        say_signed_out(view);
    else
        view_redirect(view, "/sessions");
}

void language_set(struct view *view)
{
    enum language language;
    if (!language_by_code(form_get(&view->form, "to"), &language)) {
        view_message(view, 400, WORD_TITLE, WORD_PROBLEM_FORM);
        return;
    }
    snprintf(view->header[0], VIEW_HEADER_BYTES,
             "__Host-language=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=31536000",
             language_code(language));
    view_header(view, "Set-Cookie", view->header[0]);
    view_redirect(view, "/");
}
