/*
 * overview.c - who gets what about me, in one screen
 *
 * A consent is one card, in the order of the policy: who, from where, what and how precisely, why,
 * when, and for what in return; and the way to stop it, which is as short as the way in.
 */
#include "edge/page/view.h"

#include "policy/describe.h"

static void begin_row(struct view *view, enum word label)
{
    view_str(view, "<dt>");
    view_word(view, label);
    view_str(view, "</dt><dd>");
}

static void end_row(struct view *view)
{
    view_str(view, "</dd>");
}

/* "in squares of 5km", one for each way in which it is made coarser. */
static void write_coarse_part(struct view *view, bool *is_first, enum word label)
{
    view_str(view, *is_first ? " (" : "; ");
    *is_first = false;
    view_word(view, label);
}

static void write_how(struct view *view, const struct policy_grant *grant)
{
    static const enum word labels[N_COARSE] = {
        [COARSE_PRECISION] = WORD_IN_SQUARES, [COARSE_TIME] = WORD_IN_TIME_STEPS,
        [COARSE_CUT] = WORD_WITHOUT_ENDS,     [COARSE_BUCKET] = WORD_IN_STEPS,
        [COARSE_TOP] = WORD_FIRST_FEW,        [COARSE_REDACT] = WORD_WITHOUT_ADDRESSES,
    };
    const struct coarseness coarseness = coarseness_coarser(grant->coarseness, grant->class->least);
    bool is_first = true;
    if (grant->detail) {
        write_coarse_part(view, &is_first, WORD_LESS_EXACT);
        html_text(&view->html, view_term_label(view, &grant->detail->term));
    }
    for (int i = 0; i < N_COARSE; i++) {
        if (coarseness.by[i] == 0)
            continue;
        write_coarse_part(view, &is_first, labels[i]);
        if (i != COARSE_REDACT)
            write_coarse(&view->html, (enum coarse_dimension)i, coarseness.by[i]);
    }
    view_str(view, is_first ? "" : ")");
}

static void write_what(struct view *view, const struct policy_consent *consent)
{
    begin_row(view, WORD_WHAT);
    view_str(view, "<ul>");
    for (size_t i = 0; i < consent->n_grants; i++) {
        const struct policy_grant *grant = &consent->grants[i];
        view_str(view, "<li>");
        html_text(&view->html, view_term_label(view, &grant->class->term));
        write_how(view, grant);
        view_str(view, "</li>");
    }
    view_str(view, "</ul>");
    end_row(view);
}

static enum word word_of_period(uint32_t seconds)
{
    switch (seconds) {
    case 3600:
        return WORD_PER_HOUR;
    case 86400:
        return WORD_PER_DAY;
    case 604800:
        return WORD_PER_WEEK;
    default:
        return WORD_PER_MONTH;
    }
}

static void write_when(struct view *view, const struct policy_consent *consent)
{
    if (consent->n_situations > 0) {
        begin_row(view, WORD_ONLY_WHILE);
        for (size_t i = 0; i < consent->n_situations; i++) {
            view_str(view, i > 0 ? ", " : "");
            html_text(&view->html, view_term_label(view, consent->situations[i]));
        }
        end_row(view);
    }
    if (consent->has_window) {
        begin_row(view, WORD_AT_TIMES);
        write_window(&view->html, consent->window);
        end_row(view);
    }
    if (consent->has_from) {
        begin_row(view, WORD_FROM_DATE);
        write_date(&view->html, consent->from);
        end_row(view);
    }
    begin_row(view, WORD_UNTIL_DATE);
    if (consent->has_until)
        write_date(&view->html, consent->until);
    else
        view_word(view, WORD_NO_END);
    end_row(view);
    if (consent->at_most > 0) {
        begin_row(view, WORD_HOW_OFTEN);
        write_decimal(&view->html, consent->at_most);
        view_word(view, word_of_period(consent->at_most_per_s));
        end_row(view);
    }
}

static void write_consent(struct view *view, const struct policy_consent *consent)
{
    view_str(view, "<article><h2>");
    html_name(&view->html, view_partner_label(view, consent->partner));
    view_word(view, WORD_GETS_FROM);
    html_name(&view->html, view_app_label(view, consent->app));
    view_str(view, "</h2><dl>");
    write_what(view, consent);
    begin_row(view, WORD_WHY);
    html_text(&view->html, view_term_label(view, consent->purpose));
    end_row(view);
    write_when(view, consent);
    begin_row(view, WORD_IN_RETURN);
    if (consent->in_return.n > 0)
        html_name(&view->html, consent->in_return);
    else
        view_word(view, WORD_NO_RETURN);
    end_row(view);
    view_str(view, "</dl><p><a class=\"button stop\" href=\"/consents/");
    html_text(&view->html, consent->id);
    view_str(view, "/stop\">");
    view_word(view, WORD_STOP);
    view_str(view, "<span class=\"aside\"> (");
    html_name(&view->html, view_partner_label(view, consent->partner));
    view_str(view, ")</span></a></p></article>\n");
}

static void write_refusal(struct view *view, const struct policy_refusal *refusal)
{
    view_str(view, "<li>");
    for (size_t i = 0; i < refusal->n_classes; i++) {
        view_str(view, i > 0 ? ", " : "");
        html_text(&view->html, view_term_label(view, &refusal->classes[i]->term));
    }
    if (refusal->n_classes == 0)
        view_word(view, WORD_EVERYTHING);
    view_word(view, WORD_FROM_APP);
    if (refusal->app.n > 0)
        html_name(&view->html, view_app_label(view, refusal->app));
    else
        view_word(view, WORD_ANY_APP);
    view_word(view, WORD_TO);
    if (refusal->partner.n > 0)
        html_name(&view->html, view_partner_label(view, refusal->partner));
    else
        view_word(view, WORD_ANYBODY);
    if (refusal->purpose) {
        view_word(view, WORD_FOR);
        html_text(&view->html, view_term_label(view, refusal->purpose));
    }
    if (refusal->has_window) {
        view_str(view, ", ");
        write_window(&view->html, refusal->window);
    }
    view_str(view, "</li>");
}

static void write_policy(struct view *view, const struct policy_document *policy)
{
    view_str(view, "<p>");
    view_word(view, policy->n_consents > 0 ? WORD_SHARED_INTRO : WORD_NOTHING_SHARED);
    view_str(view, "</p>\n");
    for (size_t i = 0; i < policy->n_consents; i++)
        write_consent(view, &policy->consents[i]);
    if (policy->n_refusals == 0)
        return;
    view_str(view, "<section><h2>");
    view_word(view, WORD_REFUSED_TITLE);
    view_str(view, "</h2><p>");
    view_word(view, WORD_REFUSED_INTRO);
    view_str(view, "</p><ul>");
    for (size_t i = 0; i < policy->n_refusals; i++)
        write_refusal(view, &policy->refusals[i]);
    view_str(view, "</ul></section>\n");
}

void overview_show(struct view *view)
{
    struct view_policy policy;
    if (view_policy_load(view, &policy) != SL_OK) {
        view_message(view, 500, WORD_TITLE, WORD_PROBLEM_READ);
        return;
    }
    view_begin(view, 200, WORD_TITLE);
    if (policy.version > 0) {
        write_policy(view, policy.document);
    } else {
        view_str(view, "<p>");
        view_word(view, WORD_NOTHING_SHARED);
        view_str(view, "</p>");
    }
    view_end(view);
    view_policy_free(&policy);
}
