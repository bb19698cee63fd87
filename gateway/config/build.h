/*
 * build.h - what the parts of config_load() share; not for callers of the module
 *
 * Shape   one file for each section of sluis.yaml reads its nodes and fills its part of the
 *         configuration. A section that finds a problem reports it and goes on, so that one run
 *         reports all; what could not be read stays zero, and the whole is thrown away.
 */
#ifndef SLUIS_CONFIG_BUILD_H
#define SLUIS_CONFIG_BUILD_H

#include "base/pool.h"
#include "base/writer.h"
#include "config/config.h"

struct build {
    struct config *config;   /* being filled */
    struct config_app *apps; /* the same arrays, to be written */
    struct config_partner *partners;
    struct config_route *routes;
    struct pool *pool;
    struct yaml_problems *problems;
    const char *folder; /* that relative paths start from; "" for the working folder */
    bool offline;       /* no file but the text itself is read, and no name is resolved */
    bool no_memory;
    /* getaddrinfo, or what a test puts in its place. */
    int (*resolve)(const char *host, uint16_t port, struct sockaddr_storage *address,
                   socklen_t *address_bytes);
};

struct config_source {
    const char *file; /* as shown in messages; its folder is where relative paths start */
    bool offline;
    int (*resolve)(const char *host, uint16_t port, struct sockaddr_storage *address,
                   socklen_t *address_bytes); /* NULL: the system's */
};

/* config.c: the configuration in `text`. */
SL_NODISCARD enum sl_err config_build(struct slice text, const struct config_source *source,
                                      struct yaml_problems *problems, struct config **out);

/* value.c: each reads one value; on a problem it reports, returns false and leaves `*out`. */

/* The value of `key`, or NULL and a problem. `what` names the mapping: "the app". */
const struct yaml_node *build_need(struct build *build, const struct yaml_node *mapping,
                                   const char *what, const char *key);
bool build_is_text(struct build *build, const struct yaml_node *node, const char *expected);
/* A list of 1 to `max` items. */
bool build_is_list(struct build *build, const struct yaml_node *node, size_t max,
                   const char *example);
/* A line of printable text. */
bool build_text(struct build *build, const struct yaml_node *node, size_t bytes_max,
                struct slice *out);
/* An id of a partner, app or route: as in policies. */
bool build_id(struct build *build, const struct yaml_node *node, struct slice *out);
bool build_number(struct build *build, const struct yaml_node *node, uint64_t min, uint64_t max,
                  uint64_t *out);
/* A number and its unit, such as 30s, 15min, 2h or 1d, in seconds. */
bool build_duration_s(struct build *build, const struct yaml_node *node, uint64_t min, uint64_t max,
                      uint64_t *out);
/* A path of a file, joined to the configuration's folder. */
bool build_path(struct build *build, const struct yaml_node *node, const char **out);
/* As build_path(), for a file that can be opened; private: its mode too. */
bool build_readable_file(struct build *build, const struct yaml_node *node, bool private,
                         const char **out);
struct slice build_copy(struct build *build, struct slice text);
void *build_array(struct build *build, size_t n, size_t item_bytes);
/* An error at byte `offset` of a scalar's text. */
void build_error_inside(struct build *build, const struct yaml_node *node, size_t offset,
                        const char *format, ...) SL_PRINTF(4, 5);
/* "did you mean X?", or "expected one of ..." */
void build_unknown(struct build *build, uint32_t line, uint32_t column, const char *what,
                   struct slice word, const char *const *known, size_t n_known);
/* Reports items of a list whose `id` an earlier one has. */
void build_check_ids(struct build *build, const struct yaml_node *list, const char *what);

/* address.c */
bool build_listen_address(struct build *build, const struct yaml_node *node,
                          struct config_listener *out, bool *is_loopback);
bool build_peer_url(struct build *build, const struct yaml_node *node, struct config_peer *out);
int config_resolve(const char *host, uint16_t port, struct sockaddr_storage *address,
                   socklen_t *address_bytes);

/* config.c: a whole file of at most config_bytes, to be freed; NULL with errno on failure. */
uint8_t *config_read_file(const char *path, size_t *n_bytes);

/* One for each section. */
void build_listen(struct build *build, const struct yaml_node *node);
void build_ledger_section(struct build *build, const struct yaml_node *node);
void build_apps(struct build *build, const struct yaml_node *node);
void build_partners(struct build *build, const struct yaml_node *node);
void build_routes(struct build *build, const struct yaml_node *node);
void build_witnesses(struct build *build, const struct yaml_node *node);
void build_limits(struct build *build, const struct yaml_node *node);
void build_retention(struct build *build, const struct yaml_node *node);
void build_controller(struct build *build, const struct yaml_node *node);

/* token.c: hashes of tokens, at most `max`; and, of the two sections, that none stands there twice.
 */
void build_tokens(struct build *build, const struct yaml_node *node, size_t max, size_t *n,
                  const uint8_t (**out)[CONFIG_TOKEN_HASH_BYTES]);
void build_check_tokens(struct build *build, const struct yaml_node *partners,
                        const struct yaml_node *apps);
/* peer.c: `url`, `ca` and `token_file` of an app or a partner. */
void build_peer(struct build *build, const struct yaml_node *node, struct config_peer *out);
/* fields.c; the route's records are read before. */
struct fields {
    struct path_trie *trie;   /* of what one subject's part of the answer can hold */
    struct path_trie *around; /* with records: of what is around them; else NULL */
    size_t n_subjects;        /* with records: fields that say whose a record is */
    size_t n_added;           /* to `trie`, */
    const struct yaml_node *added[LIMIT_MAX_route_fields]; /* in this order */
};
/* In which trie a field belongs, by which path there, and how far that is into the whole path. */
struct fields_place {
    struct path_trie *trie;
    struct slice path;
    size_t shift;
    bool is_subject; /* of a record: belongs in `around` too, by its whole path */
};
/* records.c: all report what does not fit, and return false then. */
void build_aggregate(struct build *build, const struct yaml_node *node,
                     const struct yaml_node *answers, struct config_route *out);
void build_records(struct build *build, const struct yaml_node *node, struct config_route *out);
bool fields_place(struct build *build, const struct yaml_node *item, struct path_field field,
                  const struct config_route *route, struct fields *fields,
                  struct fields_place *out);
bool fields_finish_records(struct build *build, const struct yaml_node *node,
                           const struct config_route *route, struct fields *fields);
void build_fields(struct build *build, const struct yaml_node *node, struct config_route *out);
/* situation.c */
void build_situation(struct build *build, const struct yaml_node *node, struct config_route *out);
/* request.c: "GET /v1/{subject}/position" */
struct request_line {
    bool is_fixed;                      /* without {subject}: all is before */
    struct slice method, before, after; /* around {subject} */
};
bool build_request_line(struct build *build, const struct yaml_node *node,
                        const char *const methods[], struct request_line *out);
/* The requests of a route, whose kind is known: what is called here, and what the gateway calls. */
void build_requests(struct build *build, const struct yaml_node *route, struct config_route *out);
bool config_routes_overlap(const struct config_route *a, const struct config_route *b);
/* receipt.c: whether each flow on each route fits a receipt. */
void build_check_receipts(struct build *build, const struct yaml_node *routes);

#endif
