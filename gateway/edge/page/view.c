/*
 * view.c - what every page has around its content, and what several pages ask for
 *
 * One document, its style sheet, no script needed. Landmarks (header, nav, main, footer) and one
 * h1 a page, so that it can be walked through by keyboard and by ear.
 */
#include "edge/page/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void view_str(struct view *view, const char *markup)
{
    write_str(&view->html, markup);
}

void view_word(struct view *view, enum word which)
{
    html_str(&view->html, word(view->language, which));
}

void view_header(struct view *view, const char *name, const char *value)
{
    struct server_answer *answer = view->answer;
    SL_ASSERT(answer->n_headers < SERVER_HEADERS_MAX);
    answer->headers[answer->n_headers++] = (struct server_header){name, value};
}

static void write_language_choice(struct view *view)
{
    view_str(view,
             "<form method=\"post\" action=\"/language\" class=\"language\"><fieldset><legend>");
    view_word(view, WORD_LANGUAGE);
    view_str(view, "</legend>");
    for (int i = 0; i < N_LANGUAGES; i++) {
        const enum language language = (enum language)i;
        view_str(view, "<button name=\"to\" value=\"");
        view_str(view, language_code(language));
        view_str(view, "\" lang=\"");
        view_str(view, language_code(language));
        view_str(view, language == view->language ? "\" aria-current=\"true\">" : "\">");
        view_str(view, language_name(language));
        view_str(view, "</button>");
    }
    view_str(view, "</fieldset></form>");
}

static void write_menu_item(struct view *view, const char *path, enum word label)
{
    view_str(view, "<li><a href=\"");
    view_str(view, path);
    view_str(view, slice_equals_str(view->path, path) ? "\" aria-current=\"page\">" : "\">");
    view_word(view, label);
    view_str(view, "</a></li>");
}

static void write_menu(struct view *view)
{
    view_str(view, "<nav><ul>");
    write_menu_item(view, "/", WORD_MENU_OVERVIEW);
    write_menu_item(view, "/sessions", WORD_MENU_SESSIONS);
    view_str(view, "</ul></nav><div class=\"who\"><p>");
    view_word(view, WORD_SIGNED_IN_AS);
    html_name(&view->html, view->name);
    view_str(view, "</p>");
    view_form(view, "/logout", slice_of(NULL, 0));
    view_str(view, "<button>");
    view_word(view, WORD_SIGN_OUT);
    view_str(view, "</button></form></div>");
}

void view_begin(struct view *view, unsigned status, enum word title)
{
    view->answer->status = status;
    view->html.n = 0;
    view->html.overflow = false;
    view_str(view, "<!doctype html>\n<html lang=\"");
    view_str(view, language_code(view->language));
    view_str(view, "\"><head><meta charset=\"utf-8\"><title>");
    view_word(view, title);
    view_str(view, " - Sluis</title><meta name=\"viewport\" content=\"width=device-width, "
                   "initial-scale=1\"><link rel=\"stylesheet\" href=\"/page.css\">"
                   "<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\"></head><body>"
                   "<a class=\"skip\" href=\"#content\">");
    view_word(view, WORD_SKIP);
    view_str(view, "</a><header><p class=\"mark\" lang=\"nl\">Sluis</p>");
    if (view->is_signed_in)
        write_menu(view);
    view_str(view, "</header><main id=\"content\"><h1>");
    view_word(view, title);
    view_str(view, "</h1>\n");
}

void view_end(struct view *view)
{
    view_str(view, "</main><footer><p>");
    view_word(view, WORD_LOCAL_ONLY);
    view_str(view, "</p>");
    write_language_choice(view);
    view_str(view, "</footer></body></html>\n");
    if (view->html.overflow) {
        view->answer->status = 500;
        view->html.n = 0;
    }
    view->answer->content_type = "text/html; charset=utf-8";
    view->answer->body = writer_slice(&view->html);
}

void view_message(struct view *view, unsigned status, enum word title, enum word text)
{
    view_begin(view, status, title);
    view_str(view, "<p role=\"status\">");
    view_word(view, text);
    view_str(view, "</p><p><a href=\"/\">");
    view_word(view, WORD_BACK);
    view_str(view, "</a></p>");
    view_end(view);
}

void view_redirect(struct view *view, const char *path)
{
    view->answer->status = 303;
    view->answer->content_type = "text/plain; charset=utf-8";
    view->answer->body = slice_of(NULL, 0);
    view_header(view, "Location", path);
}

void view_form(struct view *view, const char *action, struct slice rest)
{
    view_str(view, "<form method=\"post\" action=\"");
    view_str(view, action);
    html_text(&view->html, rest);
    view_str(view, "\"><input type=\"hidden\" name=\"csrf\" value=\"");
    view_str(view, view->session.csrf);
    view_str(view, "\">");
}

/* ---------------------------------------------------------------------- policy and labels -- */

static enum sl_err parse(struct view *view, struct view_policy *policy)
{
    struct yaml_problems problems;
    yaml_problems_init(&problems, "policy");
    enum sl_err err = policy_load(slice_of(policy->yaml, policy->yaml_n),
                                  view->node->config->vocabulary, &problems, &policy->document);
    yaml_problems_deinit(&problems);
    return err;
}

enum sl_err view_policy_load(struct view *view, struct view_policy *out)
{
    struct store_subject subject;
    struct store_version version;
    bool found = false;
    *out = (struct view_policy){0};
    enum sl_err err = store_read(view->reader, view->session.subject, &subject);
    if (err == SL_OK && subject.version > 0)
        err = store_version_get(view->reader, view->session.subject, subject.version, &version,
                                &found);
    if (err == SL_OK && found) {
        out->version = subject.version;
        out->yaml = malloc(version.yaml.n + 1);
        out->yaml_n = version.yaml.n;
        if (out->yaml)
            memcpy(out->yaml, version.yaml.p, version.yaml.n);
    }
    store_read_end(view->reader);
    if (err != SL_OK || !found)
        return err;
    err = out->yaml ? parse(view, out) : SL_EINTERNAL;
    if (err != SL_OK)
        view_policy_free(out);
    return err;
}

void view_policy_free(struct view_policy *policy)
{
    policy_free(policy->document);
    free(policy->yaml);
    *policy = (struct view_policy){0};
}

struct slice view_app_label(const struct view *view, struct slice id)
{
    const struct config_app *app = config_app_find(view->node->config, id);
    return app && app->label.n > 0 ? app->label : id;
}

struct slice view_partner_label(const struct view *view, struct slice id)
{
    const struct config_partner *partner = config_partner_find(view->node->config, id);
    return partner && partner->label.n > 0 ? partner->label : id;
}

struct slice view_term_label(const struct view *view, const struct vocabulary_term *term)
{
    return view->language == LANGUAGE_NL ? term->label_nl : term->label_en;
}
