/*
 * config.h - sluis.yaml: what the operator says of this node, its apps, partners and routes
 *
 * Shape   read once, checked whole, immutable; a reload makes a new one
 * Owns    everything it points to; config_free() frees all
 * Errors  every problem at once, with line and column; SL_EMALFORMED then
 * Spec    docs/configuration.md
 */
#ifndef SLUIS_CONFIG_CONFIG_H
#define SLUIS_CONFIG_CONFIG_H

#include "base/limits.h"
#include "ledger/tlog_policy.h"
#include "policy/controller.h"
#include "policy/decide.h"
#include "policy/quota.h"
#include "policy/vocabulary.h"
#include "transform/path.h"
#include "yaml/yaml.h"

#include <sys/socket.h>

struct config_listener {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    struct slice text;       /* as written: 127.0.0.1:8460 */
    const char *certificate; /* PEM file, NULL: no TLS (allowed on loopback addresses only) */
    const char *private_key;
};

enum { CONFIG_TOKEN_HASH_BYTES = 32 };

/* An app or a partner that the gateway calls. */
struct config_peer {
    bool tls;
    struct slice host;               /* as in Host: with the port when it is not the default one */
    struct slice host_name;          /* without port and brackets: what a certificate must be for */
    struct sockaddr_storage address; /* pinned when the file was read */
    socklen_t address_bytes;         /* 0: it can't be called */
    const char *ca_file;             /* or NULL */
    struct slice token;              /* read from token_file; secret; or empty */
};

struct config_app {
    struct slice id, label;
    struct config_peer peer;
    size_t n_tokens; /* by which it shows itself to the gateway, when it is the client */
    const uint8_t (*tokens)[CONFIG_TOKEN_HASH_BYTES]; /* SHA-256 of each */
};

struct config_partner {
    struct slice id, label;
    struct config_peer peer; /* where pushes to it go, if it has a `url` */
    size_t n_tokens;
    const uint8_t (*tokens)[CONFIG_TOKEN_HASH_BYTES]; /* SHA-256 of each bearer token */
    size_t n_purposes;
    const struct vocabulary_term *const *purposes;
    size_t n_benefits;
    const struct slice *benefits;
    uint32_t generation;       /* of its pseudonyms; 1 at first */
    int64_t previous_until_ms; /* those of the generation before are understood; 0: never */
    uint32_t at_most; /* flows released to it; 0: no limit */
    enum quota_period at_most_per;
};

enum route_kind {
    ROUTE_PULL, /* a partner asks, the app is asked */
    ROUTE_PUSH, /* an app sends, a partner gets it */
};

/* What a field of an answer says of the situation its subject is in. */
struct config_situation_value {
    struct slice text;  /* of a string, escapes resolved; else as it is written: true, 17 */
    uint8_t situations; /* bit i: terms[i] of the field holds */
};
struct config_situation_field {
    const struct path_trie *trie; /* of this field alone */
    size_t n_values;
    const struct config_situation_value *values;
    size_t n_terms; /* all that its values can say */
    const struct vocabulary_term *terms[LIMIT_MAX_route_situations];
};

/* What is made of an answer's records, instead of handing them on. */
enum aggregate_kind { AGGREGATE_NONE, AGGREGATE_COUNT, AGGREGATE_MEAN };
struct config_aggregate {
    enum aggregate_kind kind;
    uint32_t at_least; /* people */
    int64_t low, high; /* mean: thousandths */
};

struct config_route {
    struct slice id;
    enum route_kind kind;
    const struct config_app *app;
    uint16_t app_index;
    /* Of a push: who gets it, and what for; one purpose of its contract. */
    const struct config_partner *partner;
    uint16_t partner_index;
    const struct vocabulary_term *purpose;
    struct slice method;                        /* "GET"; of a push "POST" or "PUT" */
    struct slice forward_method;                /* likewise */
    bool is_fixed;                              /* no {subject} in its path: before is all */
    struct slice path_before, path_after;       /* around {subject}, what is called here */
    struct slice forward_before, forward_after; /* around {subject}, what the gateway calls */
    size_t n_query;
    const struct slice *query;    /* names of query parameters that may be passed on */
    struct slice media_type;      /* of the answer, or of a push's body: "application/json" */
    const struct path_trie *trie; /* of the same; with `records` of each record */
    struct slice records;         /* an answer about many people: path of a record; else empty */
    struct config_aggregate aggregate; /* with `records`, perhaps */
    const struct path_trie *around;    /* with `records`: what is around them, and whose each is */
    const struct config_situation_field *situation; /* NULL: the answer does not tell */
    size_t n_classes;
    const struct vocabulary_class *classes[LIMIT_MAX_route_classes];
    uint32_t class_codes[LIMIT_MAX_route_classes]; /* the same, for facts.classes */
};

/* Who cosigns this node's checkpoints. */
struct config_witnesses {
    const struct tlog_policy *policy; /* a quorum of those with a URL can be reached */
    const char *policy_file;
    unsigned every_s;
    unsigned refuse_after_s; /* 0: never */
    const char *ca_file;     /* or NULL: the system's authorities */
};

/* A time of the calendar, back from now. */
struct config_period {
    uint32_t n; /* 0: for ever */
    char unit;  /* 'd' or 'y' */
};

struct config {
    struct slice origin;         /* node.origin: the ledger's name */
    const char *state_folder;    /* absolute, or relative to the working folder */
    const char *last_checkpoint; /* ledger.last_checkpoint: a file on another disk; or NULL */
    unsigned n_threads;
    struct config_listener partners_listener;
    struct config_listener ledger_listener; /* text.n == 0: the ledger is not served */
    struct config_listener page_listener;   /* text.n == 0: people have no page */
    size_t n_page_hosts;
    const struct slice *page_hosts; /* host[:port] by which browsers may call the page */
    size_t n_apps;
    const struct config_app *apps;
    size_t n_partners;
    const struct config_partner *partners;
    size_t n_routes;
    const struct config_route *routes;
    const struct config_witnesses *witnesses; /* NULL: none */
    bool has_controller;
    struct controller controller;
    struct config_period retention_policies; /* how long superseded versions are kept */
    struct limits limits;
    const struct vocabulary *vocabulary;
    struct config_storage *storage; /* what owns all of the above */
};

/* Reads FILE and what it names (token files, vocabulary). */
SL_NODISCARD enum sl_err config_load(const char *file, struct yaml_problems *problems,
                                     struct config **out);
void config_free(struct config *config);
SL_DEFINE_AUTO(config, config_free)

const struct config_partner *config_partner_find(const struct config *config, struct slice id);
const struct config_app *config_app_find(const struct config *config, struct slice id);
const struct config_route *config_route_find(const struct config *config, struct slice id);

/* The instant so long before `now_ms`; the period must have an n. */
int64_t config_period_before_ms(const struct config_period *period, int64_t now_ms);

/*
 * What only the configuration can say of a policy: apps and partners exist, the purpose is in the
 * partner's contract, in_return is one of its benefits. Adds to `problems`.
 */
struct policy_document;
void config_check_policy(const struct config *config, const struct policy_document *policy,
                         struct yaml_problems *problems);

#endif
