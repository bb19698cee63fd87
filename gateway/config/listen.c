/*
 * listen.c - the section `listen`: where partners come in, by how many threads they are served, and
 *            where anybody reads the ledger
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

/* What other machines can reach must not be in clear. */
static bool build_address(struct build *build, const struct yaml_node *node, bool has_tls,
                          struct config_listener *out)
{
    bool is_loopback = true;
    if (!build_listen_address(build, node, out, &is_loopback))
        return false;
    if (!is_loopback && !has_tls)
        yaml_error_at(build->problems, node->line, node->column,
                      "%.*s can be reached from other machines; expected `tls` with a certificate "
                      "and a key, or a loopback address",
                      SLICE_PRINTF(node->text));
    return true;
}

static bool takes_any_port(const struct config_listener *listener)
{
    struct slice text = listener->text;
    return text.n >= 2 && slice_equals_str(slice_of(text.p + text.n - 2, 2), ":0");
}

static void build_ledger(struct build *build, const struct yaml_node *node, bool has_tls)
{
    const struct config_listener *partners = &build->config->partners_listener;
    struct config_listener *listener = &build->config->ledger_listener;
    if (!build_address(build, node, has_tls, listener))
        return;
    listener->certificate = partners->certificate;
    listener->private_key = partners->private_key;
    if (slice_equals(listener->text, partners->text) && !takes_any_port(listener))
        yaml_error_at(build->problems, node->line, node->column,
                      "%.*s is where partners come in; expected another port",
                      SLICE_PRINTF(node->text));
}

void build_listen(struct build *build, const struct yaml_node *node)
{
    static const char *const keys[] = {"partners", "ledger", "threads", "tls", NULL};
    if (!yaml_check_keys(node, "`listen`", keys, build->problems))
        return;
    struct config_listener *listener = &build->config->partners_listener;
    const struct yaml_node *partners = build_need(build, node, "`listen`", "partners");
    const struct yaml_node *ledger = yaml_get(node, "ledger");
    const struct yaml_node *tls = yaml_get(node, "tls");
    const struct yaml_node *threads = yaml_get(node, "threads");
    if (partners)
        (void)build_address(build, partners, tls, listener);
    if (tls)
        build_tls(build, tls, listener);
    if (ledger)
        build_ledger(build, ledger, tls);
    uint64_t n_threads = 1;
    if (threads)
        (void)build_number(build, threads, 1, LIMIT_MAX_config_threads, &n_threads);
    build->config->n_threads = (unsigned)n_threads;
}
