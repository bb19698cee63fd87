/*
 * controller.c - the section `controller`: who runs this gateway, as consent receipts name it
 *
 * Nothing in the gateway depends on it. Exported consents do: a consent receipt that does not say
 * who asked for the consent, where, and how it is withdrawn, is none.
 */
#include "config/build.h"

#include <string.h>

static bool is_address_of_a_page(enum controller_text text)
{
    return text == CONTROLLER_URL || text == CONTROLLER_PRIVACY_POLICY ||
           text == CONTROLLER_WITHDRAW_AT;
}

static void build_controller_text(struct build *build, const struct yaml_node *node,
                                  enum controller_text text)
{
    struct slice value;
    if (!build_text(build, node, LIMIT_MAX_controller_bytes, &value))
        return;
    if (is_address_of_a_page(text) && !slice_starts_with_str(value, "https://"))
        yaml_error_at(build->problems, node->line, node->column,
                      "\"%.*s\"; expected the address of a page, https://...", SLICE_PRINTF(value));
    else if (text == CONTROLLER_EMAIL && !memchr(value.p, '@', value.n))
        yaml_error_at(build->problems, node->line, node->column,
                      "\"%.*s\"; expected an e-mail address", SLICE_PRINTF(value));
    else
        build->config->controller.texts[text] = value;
}

void build_controller(struct build *build, const struct yaml_node *node)
{
    const char *keys[N_CONTROLLER_TEXTS + 1] = {NULL};
    for (unsigned i = 0; i < N_CONTROLLER_TEXTS; i++)
        keys[i] = controller_text_name(i);
    if (!yaml_check_keys(node, "`controller`", keys, build->problems))
        return;
    build->config->has_controller = true;
    (void)build_need(build, node, "`controller`", controller_text_name(CONTROLLER_NAME));
    for (unsigned i = 0; i < N_CONTROLLER_TEXTS; i++) {
        const struct yaml_node *value = yaml_get(node, controller_text_name(i));
        if (value)
            build_controller_text(build, value, i);
    }
}
