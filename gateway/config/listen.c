/*
 * listen.c - the section `listen`: where partners come in, and by how many threads they are served
 */
#include "config/build.h"

static void build_tls(struct build *build, const struct yaml_node *node,
                      struct config_listener *out)
{
    static const char *const keys[] = {"certificate", "key", NULL};
    if (!yaml_check_keys(node, "`tls`", keys, build->problems))
        return;
    const struct yaml_node *certificate = build_need(build, node, "`tls`", "certificate");
    const struct yaml_node *key = build_need(build, node, "`tls`", "key");
    if (certificate)
        (void)build_readable_file(build, certificate, false, &out->certificate);
    if (key)
        (void)build_readable_file(build, key, true, &out->private_key);
}

void build_listen(struct build *build, const struct yaml_node *node)
{
    static const char *const keys[] = {"partners", "threads", "tls", NULL};
    if (!yaml_check_keys(node, "`listen`", keys, build->problems))
        return;
    struct config_listener *listener = &build->config->partners_listener;
    const struct yaml_node *partners = build_need(build, node, "`listen`", "partners");
    const struct yaml_node *tls = yaml_get(node, "tls");
    const struct yaml_node *threads = yaml_get(node, "threads");
    bool is_loopback = true;
    if (partners && build_listen_address(build, partners, listener, &is_loopback) && !is_loopback &&
        !tls)
        yaml_error_at(build->problems, partners->line, partners->column,
                      "%.*s can be reached from other machines; expected `tls` with a certificate "
                      "and a key, or a loopback address",
                      SLICE_PRINTF(partners->text));
    if (tls)
        build_tls(build, tls, listener);
    uint64_t n_threads = 1;
    if (threads)
        (void)build_number(build, threads, 1, LIMIT_MAX_config_threads, &n_threads);
    build->config->n_threads = (unsigned)n_threads;
}
