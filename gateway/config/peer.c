/*
 * peer.c - how the gateway speaks to an app or a partner that it calls: where it is, whom to trust
 *          for its certificate, and by which token it knows the gateway
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

static void build_token(struct build *build, const struct yaml_node *node, struct config_peer *out)
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

void build_peer(struct build *build, const struct yaml_node *node, struct config_peer *out)
{
    const struct yaml_node *url = yaml_get(node, "url");
    const struct yaml_node *ca = yaml_get(node, "ca");
    const struct yaml_node *token = yaml_get(node, "token_file");
    bool has_url = url && build_peer_url(build, url, out);
    if (ca) {
        (void)build_readable_file(build, ca, false, &out->ca_file);
        if (has_url && !out->tls)
            yaml_error_at(build->problems, ca->key_line, ca->key_column,
                          "`ca` without TLS; expected an https url, or no `ca`");
    }
    if (token)
        build_token(build, token, out);
    const struct yaml_node *alone = ca ? ca : token;
    if (!url && alone)
        yaml_error_at(build->problems, alone->key_line, alone->key_column,
                      "this is for calling it, and it has no `url`");
}
