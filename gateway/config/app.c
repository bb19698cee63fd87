/*
 * app.c - the section `apps`: who holds the data, and how the gateway speaks to them
 */
#include "config/build.h"

static void build_app(struct build *build, const struct yaml_node *node, struct config_app *out)
{
    static const char *const keys[] = {"id", "label", "url", "ca", "token_file", "tokens", NULL};
    if (!yaml_check_keys(node, "an app", keys, build->problems))
        return;
    const struct yaml_node *value;
    if ((value = build_need(build, node, "the app", "id")) && build_id(build, value, &out->id))
        out->label = out->id;
    if ((value = yaml_get(node, "label")))
        (void)build_text(build, value, LIMIT_MAX_config_label_bytes, &out->label);
    (void)build_need(build, node, "the app", "url");
    build_peer(build, node, &out->peer);
    if ((value = yaml_get(node, "tokens")))
        build_tokens(build, value, LIMIT_MAX_app_tokens, &out->n_tokens, &out->tokens);
}

void build_apps(struct build *build, const struct yaml_node *node)
{
    if (!build_is_list(build, node, LIMIT_MAX_config_apps,
                       "[{id: waze, url: http://127.0.0.1:9101}]"))
        return;
    build->apps = build_array(build, node->n_children, sizeof *build->apps);
    if (!build->apps)
        return;
    build->config->apps = build->apps;
    for (const struct yaml_node *item = node->first; item; item = item->next)
        build_app(build, item, &build->apps[build->config->n_apps++]);
    build_check_ids(build, node, "app");
}
