/*
 * app.c - the section `apps`: who holds the data, and how the gateway speaks to them
 */
#include "base/private_file.h"
#include "config/build.h"

#include <openssl/crypto.h>

/* What a header line can carry: no blanks, no controls. */
static bool is_credential(struct slice token)
{
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] <= 0x20 || token.p[i] >= 0x7f)
            return false;
    }
    return token.n > 0;
}

static void build_token(struct build *build, const struct yaml_node *node, struct config_app *out)
{
    const char *path;
    if (!build_path(build, node, &path) || build->offline)
        return;
    uint8_t block[LIMIT_MAX_app_token_bytes];
    size_t n;
    struct private_file_problem problem;
    if (private_file_read(path, block, sizeof block, &n, &problem) != SL_OK) {
        yaml_error_at(build->problems, node->line, node->column, "%s", problem.text);
        return;
    }
    if (block[n - 1] == '\n')
        n--;
    if (is_credential(slice_of(block, n)))
        out->token = build_copy(build, slice_of(block, n));
    else
        yaml_error_at(build->problems, node->line, node->column,
                      "%s holds blanks, control characters or no token; expected one line with "
                      "the token alone",
                      path);
    OPENSSL_cleanse(block, sizeof block);
}

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
    bool has_url = false;
    if ((value = build_need(build, node, "the app", "url")))
        has_url = build_app_url(build, value, out);
    if ((value = yaml_get(node, "ca"))) {
        (void)build_readable_file(build, value, false, &out->ca_file);
        if (has_url && !out->tls)
            yaml_error_at(build->problems, value->key_line, value->key_column,
                          "`ca` for an app without TLS; expected an https url, or no `ca`");
    }
    if ((value = yaml_get(node, "token_file")))
        build_token(build, value, out);
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
