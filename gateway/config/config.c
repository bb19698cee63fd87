/*
 * config.c - reads sluis.yaml as a whole, and owns what came of it
 *
 *     text ── YAML ──▶ tree ── sections, each in a file of its own ──▶ struct config
 *                      │
 *                      └─ vocabulary first: partners and routes speak its words
 *                         apps before routes: routes name them
 *
 * Nothing is used before everything is checked. Texts are copied out of the tree, so that the
 * tree is gone when the configuration stands.
 */
#include "config/config.h"

#include "config/build.h"
#include "config/origin.h"
#include "policy/vocabulary_default.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Owns: the pool all texts and arrays, the routes their tries, the apps their tokens. */
struct config_storage {
    struct config config;
    struct pool pool;
    struct vocabulary *vocabulary;
};

static void wipe_token(const struct config_peer *peer)
{
    /* The pool's own bytes, behind a const view of them. */
    OPENSSL_cleanse((void *)(uintptr_t)peer->token.p, peer->token.n);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    struct config_storage *storage = config->storage;
    for (size_t i = 0; i < config->n_apps; i++)
        wipe_token(&config->apps[i].peer);
    for (size_t i = 0; i < config->n_partners; i++)
        wipe_token(&config->partners[i].peer);
    for (size_t i = 0; i < config->n_routes; i++) {
        path_trie_free((struct path_trie *)(uintptr_t)config->routes[i].trie);
        if (config->routes[i].situation)
            path_trie_free((struct path_trie *)(uintptr_t)config->routes[i].situation->trie);
        path_trie_free((struct path_trie *)(uintptr_t)config->routes[i].around);
    }
    vocabulary_free(storage->vocabulary);
    pool_deinit(&storage->pool);
    free(storage);
}

const struct config_partner *config_partner_find(const struct config *config, struct slice id)
{
    for (size_t i = 0; i < config->n_partners; i++) {
        if (slice_equals(config->partners[i].id, id))
            return &config->partners[i];
    }
    return NULL;
}

const struct config_app *config_app_find(const struct config *config, struct slice id)
{
    for (size_t i = 0; i < config->n_apps; i++) {
        if (slice_equals(config->apps[i].id, id))
            return &config->apps[i];
    }
    return NULL;
}

const struct config_route *config_route_find(const struct config *config, struct slice id)
{
    for (size_t i = 0; i < config->n_routes; i++) {
        if (slice_equals(config->routes[i].id, id))
            return &config->routes[i];
    }
    return NULL;
}

/* A whole file of at most config_bytes; NULL with errno on failure. To be freed. */
uint8_t *config_read_file(const char *path, size_t *n_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return NULL;
    const size_t cap = (size_t)LIMIT_MAX_config_bytes + 1; /* one more shows that it is too long */
    uint8_t *block = malloc(cap);
    size_t n = 0;
    ssize_t got = block ? 1 : -1;
    while (got > 0 && n < cap) {
        got = read(fd, block + n, cap - n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            n += (size_t)got;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    if (got < 0) {
        free(block);
        return NULL;
    }
    *n_bytes = n;
    return block;
}

/* Problems of the vocabulary's own file, told at the key that names it. */
static void repeat_problems(struct build *build, const struct yaml_node *node, const char *file,
                            const struct yaml_problems *of_file)
{
    for (size_t i = 0; i < of_file->n; i++) {
        const struct yaml_problem *problem = &of_file->list[i];
        if (!problem->warning)
            yaml_error_at(build->problems, node ? node->line : 1, node ? node->column : 1,
                          "%s:%u:%u: %s", file, problem->line, problem->column, problem->text);
    }
}

/* `node` is NULL for the vocabulary that is built in. */
static void build_vocabulary(struct build *build, const struct yaml_node *node)
{
    const char *path = "(built in)";
    uint8_t *block = NULL;
    struct slice text = vocabulary_default_text();
    if (node && !build->offline) {
        size_t n;
        if (!build_readable_file(build, node, false, &path))
            return;
        block = config_read_file(path, &n);
        if (!block) {
            yaml_error_at(build->problems, node->line, node->column, "%s can't be read: %s", path,
                          strerror(errno));
            return;
        }
        text = slice_of(block, n);
    }
    struct yaml_problems of_file;
    yaml_problems_init(&of_file, path);
    struct vocabulary *vocabulary = NULL;
    enum sl_err err = vocabulary_load(text, &of_file, &vocabulary);
    repeat_problems(build, node, path, &of_file);
    yaml_problems_deinit(&of_file);
    free(block);
    build->no_memory = build->no_memory || err == SL_EINTERNAL;
    build->config->vocabulary = build->config->storage->vocabulary = vocabulary;
}

static void build_origin(struct build *build, const struct yaml_node *node)
{
    static const char expected[] =
        "a name for this node's ledger, such as sluis.example.org/1: " ORIGIN_RULE;
    if (!build_is_text(build, node, expected))
        return;
    if (origin_is_valid(node->text))
        build->config->origin = build_copy(build, node->text);
    else
        yaml_error_at(build->problems, node->line, node->column, "\"%.*s\"; expected %s",
                      SLICE_PRINTF(node->text), expected);
}

static void build_state(struct build *build, const struct yaml_node *node)
{
    const char *path;
    struct stat stat_of;
    if (!build_path(build, node, &path))
        return;
    build->config->state_folder = path;
    if (build->offline)
        return;
    if (stat(path, &stat_of) != 0)
        yaml_error_at(build->problems, node->line, node->column,
                      "state folder %s: %s; `sluis init` makes one with its keys", path,
                      strerror(errno));
    else if (!S_ISDIR(stat_of.st_mode))
        yaml_error_at(build->problems, node->line, node->column, "state folder %s is not a folder",
                      path);
}

static void build_node(struct build *build, const struct yaml_node *node)
{
    static const char *const keys[] = {"origin", NULL};
    const struct yaml_node *value;
    if (yaml_check_keys(node, "`node`", keys, build->problems) &&
        (value = build_need(build, node, "`node`", "origin")))
        build_origin(build, value);
}

static void build_sections(struct build *build, const struct yaml_node *root)
{
    static const char what[] = "the configuration";
    const struct yaml_node *value;
    build_vocabulary(build, yaml_get(root, "vocabulary"));
    if (!build->config->vocabulary)
        return; /* every purpose and class would be unknown */
    if ((value = build_need(build, root, what, "node")))
        build_node(build, value);
    if ((value = build_need(build, root, what, "state")))
        build_state(build, value);
    if ((value = yaml_get(root, "ledger")))
        build_ledger_section(build, value);
    if ((value = build_need(build, root, what, "listen")))
        build_listen(build, value);
    if ((value = build_need(build, root, what, "apps")))
        build_apps(build, value);
    if ((value = build_need(build, root, what, "partners")))
        build_partners(build, value);
    build_check_tokens(build, yaml_get(root, "partners"), yaml_get(root, "apps"));
    if ((value = build_need(build, root, what, "routes")))
        build_routes(build, value);
    if ((value = yaml_get(root, "witnesses")))
        build_witnesses(build, value);
    if ((value = yaml_get(root, "retention")))
        build_retention(build, value);
    if ((value = yaml_get(root, "controller")))
        build_controller(build, value);
    if ((value = yaml_get(root, "limits")))
        build_limits(build, value);
}

static void build_root(struct build *build, const struct yaml_node *root)
{
    static const char *const keys[] = {
        "sluis",    "node",   "state",     "ledger", "listen",     "vocabulary", "apps",
        "partners", "routes", "witnesses", "limits", "controller", "retention",  NULL};
    if (!yaml_check_keys(root, "the configuration", keys, build->problems))
        return;
    const struct yaml_node *version = build_need(build, root, "the configuration", "sluis");
    if (version && !slice_equals_str(version->text, "1"))
        yaml_error_at(build->problems, version->line, version->column,
                      "version \"%.*s\" of the format; expected 1", SLICE_PRINTF(version->text));
    build_sections(build, root);
}

static struct config *config_new(void)
{
    struct config_storage *storage = calloc(1, sizeof *storage);
    if (!storage)
        return NULL;
    storage->config.storage = storage;
    storage->config.limits = limits_default();
    return &storage->config;
}

/* The folder of `file` in the pool, without the slash; "" for the working folder. */
static const char *folder_of(struct build *build, const char *file)
{
    const char *slash = strrchr(file, '/');
    size_t n = slash ? (size_t)(slash - file) : 0;
    if (slash == file)
        return "/."; /* so that a slash can follow */
    struct slice folder = build_copy(build, slice_of(file, n));
    return folder.p ? (const char *)folder.p : "";
}

enum sl_err config_build(struct slice text, const struct config_source *source,
                         struct yaml_problems *problems, struct config **out)
{
    SL_AUTO(config) config = config_new();
    SL_AUTO(yaml_document) document = NULL;
    if (!config)
        return SL_EINTERNAL;
    size_t n_errors_before = problems->n_errors;
    struct yaml_limits limits = {LIMIT_MAX_config_bytes, LIMIT_MAX_config_depth};
    enum sl_err err = yaml_parse_further(text, limits, problems, &document);
    if (err != SL_OK)
        return err == SL_ELIMIT ? SL_EMALFORMED : err;

    struct build build = {.config = config,
                          .pool = &config->storage->pool,
                          .problems = problems,
                          .offline = source->offline,
                          .resolve = source->resolve ? source->resolve : config_resolve};
    build.folder = folder_of(&build, source->file);
    build_root(&build, yaml_root(document));
    if (build.no_memory)
        return SL_EINTERNAL;
    if (problems->n_errors > n_errors_before)
        return SL_EMALFORMED;
    *out = config;
    config = NULL;
    return SL_OK;
}

enum sl_err config_load(const char *file, struct yaml_problems *problems, struct config **out)
{
    size_t n;
    uint8_t *block = config_read_file(file, &n);
    if (!block) {
        yaml_error_at(problems, 1, 1, "can't be read: %s", strerror(errno));
        return SL_EMALFORMED;
    }
    struct config_source source = {.file = file};
    enum sl_err err = config_build(slice_of(block, n), &source, problems, out);
    free(block);
    return err;
}
