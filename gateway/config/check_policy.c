/*
 * check_policy.c - what only the configuration can say of a policy
 *
 * A consent that names an app, a partner, a purpose or a benefit that is not there would never
 * release anything: an error, with the nearest known word. A refusal can't do harm by naming what
 * is not there (an app that was taken out of the configuration, say), and taking back must always
 * be possible; so it is a warning, unless the name looks like a slip, which would leave the
 * person less protected than they think.
 */
#include "config/config.h"
#include "policy/policy.h"

#include <stdio.h>

enum { NAMES_MAX = LIMIT_MAX_config_partners, NAMES_BYTES = 512 };

struct names {
    size_t n;
    const char *list[NAMES_MAX];
};

/* Texts of a configuration end with a NUL that is not counted. */
static void names_add(struct names *names, struct slice name)
{
    if (names->n < NAMES_MAX)
        names->list[names->n++] = (const char *)name.p;
}

static void names_of_apps(const struct config *config, struct names *names)
{
    names->n = 0;
    for (size_t i = 0; i < config->n_apps; i++)
        names_add(names, config->apps[i].id);
}

static void names_of_partners(const struct config *config, struct names *names)
{
    names->n = 0;
    for (size_t i = 0; i < config->n_partners; i++)
        names_add(names, config->partners[i].id);
}

/* `what`, and advice: the nearest name, or all of them. */
static void report(struct yaml_problems *problems, const struct policy_consent *consent,
                   const char *what, struct slice word, const struct names *names)
{
    const char *nearest = yaml_nearest(word, names->list, names->n);
    char all[NAMES_BYTES] = "(there are none)";
    for (size_t i = 0, n = 0; i < names->n && n < sizeof all; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i > 0 ? ", " : "", names->list[i]);
    yaml_error_at(problems, consent->line, consent->column, "consent \"%.*s\": %s \"%.*s\"; %s%s%s",
                  SLICE_PRINTF(consent->id), what, SLICE_PRINTF(word),
                  nearest ? "did you mean \"" : "expected one of: ", nearest ? nearest : all,
                  nearest ? "\"?" : "");
}

static void check_contract(const struct config_partner *partner,
                           const struct policy_consent *consent, struct names *names,
                           struct yaml_problems *problems)
{
    bool in_contract = false;
    names->n = 0;
    for (size_t i = 0; i < partner->n_purposes; i++) {
        names_add(names, partner->purposes[i]->name);
        in_contract =
            in_contract || slice_equals(partner->purposes[i]->name, consent->purpose->name);
    }
    if (!in_contract)
        report(problems, consent, "the partner's contract does not hold the purpose",
               consent->purpose->name, names);

    bool promised = consent->in_return.n == 0;
    names->n = 0;
    for (size_t i = 0; i < partner->n_benefits; i++) {
        names_add(names, partner->benefits[i]);
        promised = promised || slice_equals(partner->benefits[i], consent->in_return);
    }
    if (!promised)
        report(problems, consent, "the partner's contract does not promise", consent->in_return,
               names);
}

static void check_consent(const struct config *config, const struct policy_consent *consent,
                          struct names *names, struct yaml_problems *problems)
{
    if (!config_app_find(config, consent->app)) {
        names_of_apps(config, names);
        report(problems, consent, "unknown app", consent->app, names);
    }
    const struct config_partner *partner = config_partner_find(config, consent->partner);
    if (partner) {
        check_contract(partner, consent, names, problems);
        return;
    }
    names_of_partners(config, names);
    report(problems, consent, "unknown partner", consent->partner, names);
}

static void report_refusal(struct yaml_problems *problems, const struct policy_refusal *refusal,
                           const char *what, struct slice word, const struct names *names)
{
    const char *nearest = yaml_nearest(word, names->list, names->n);
    if (nearest)
        yaml_error_at(problems, refusal->line, refusal->column,
                      "unknown %s \"%.*s\" in a refusal; did you mean \"%s\"?", what,
                      SLICE_PRINTF(word), nearest);
    else
        yaml_warning_at(problems, refusal->line, refusal->column,
                        "unknown %s \"%.*s\": this refusal refuses nothing now", what,
                        SLICE_PRINTF(word));
}

static void check_refusal(const struct config *config, const struct policy_refusal *refusal,
                          struct names *names, struct yaml_problems *problems)
{
    if (refusal->app.n > 0 && !config_app_find(config, refusal->app)) {
        names_of_apps(config, names);
        report_refusal(problems, refusal, "app", refusal->app, names);
    }
    if (refusal->partner.n > 0 && !config_partner_find(config, refusal->partner)) {
        names_of_partners(config, names);
        report_refusal(problems, refusal, "partner", refusal->partner, names);
    }
}

void config_check_policy(const struct config *config, const struct policy_document *policy,
                         struct yaml_problems *problems)
{
    struct names names;
    for (size_t i = 0; i < policy->n_consents; i++)
        check_consent(config, &policy->consents[i], &names, problems);
    for (size_t i = 0; i < policy->n_refusals; i++)
        check_refusal(config, &policy->refusals[i], &names, problems);
}
