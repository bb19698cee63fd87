/*
 * listen.c - the section `listen`: where partners come in, by how many threads they are served, and
 *            where anybody reads the ledger and people have their page
 */
#include "config/build.h"

#include <string.h>

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

/* Another listener than that of partners, on a port of its own. */
static bool build_other(struct build *build, const struct yaml_node *node, bool has_tls,
                        struct config_listener *listener)
{
    const struct config *config = build->config;
    const struct config_listener *partners = &config->partners_listener;
    if (!build_address(build, node, has_tls, listener))
        return false;
    listener->certificate = partners->certificate;
    listener->private_key = partners->private_key;
    const struct config_listener *const others[] = {partners, &config->ledger_listener,
                                                    &config->page_listener};
    for (size_t i = 0; i < SL_LENGTH(others); i++)
        if (others[i] != listener && slice_equals(listener->text, others[i]->text) &&
            !takes_any_port(listener)) {
            yaml_error_at(build->problems, node->line, node->column,
                          "%.*s is where %s; expected another port", SLICE_PRINTF(node->text),
                          i == 0 ? "partners come in" : "the ledger is read");
            return false;
        }
    return true;
}

/* host[:port], in lower case, as a browser sends it in Host. */
static bool is_host(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        const uint8_t c = text.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || memchr("-.:[]", c, 5)))
            return false;
    }
    return text.n > 0;
}

static void build_hosts(struct build *build, const struct yaml_node *node)
{
    if (!build_is_list(build, node, LIMIT_MAX_page_hosts, "[sluis.example.org]"))
        return;
    struct slice *hosts = build_array(build, node->n_children, sizeof *hosts);
    if (!hosts)
        return;
    struct config *config = build->config;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        if (item->kind == YAML_SCALAR && is_host(item->text))
            hosts[config->n_page_hosts++] = build_copy(build, item->text);
        else
            yaml_error_at(build->problems, item->line, item->column,
                          "\"%.*s\" as a host; expected a name in lower case, with its port when "
                          "it is not the usual one, such as sluis.example.org:8461",
                          SLICE_PRINTF(item->text));
    }
    config->page_hosts = hosts;
}

void build_listen(struct build *build, const struct yaml_node *node)
{
    static const char *const keys[] = {"partners", "ledger", "page", "page_hosts",
                                       "threads",  "tls",    NULL};
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
    const struct yaml_node *page = yaml_get(node, "page");
    const struct yaml_node *hosts = yaml_get(node, "page_hosts");
    if (ledger)
        (void)build_other(build, ledger, tls, &build->config->ledger_listener);
    if (page)
        (void)build_other(build, page, tls, &build->config->page_listener);
    if (hosts && page)
        build_hosts(build, hosts);
    else if (hosts)
        yaml_error_at(build->problems, hosts->line, hosts->column,
                      "`page_hosts` without `page`; expected `page: 127.0.0.1:8461` beside it");
    uint64_t n_threads = 1;
    if (threads)
        (void)build_number(build, threads, 1, LIMIT_MAX_config_threads, &n_threads);
    build->config->n_threads = (unsigned)n_threads;
}
