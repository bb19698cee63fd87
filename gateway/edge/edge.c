/*
 * edge.c - sockets, certificates and threads of the listener
 */
#include "edge/edge.h"

#include "edge/ledger_listener.h"
#include "edge/page/page.h"
#include "edge/socket.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEM_BYTES_MAX = 1 << 20 };

struct edge {
    struct credential_table *credentials;
    char *certificate, *key;
    gnutls_datum_t ticket_key;
    uint16_t port;
    size_t n_threads;
    struct edge_thread *threads;
    struct prover *prover;
    struct ledger_listener *ledger;
    struct page *page;
};

/*
 * SO_REUSEPORT would let a second daemon of the same user share the port without a word, so the
 * first socket is bound once without it.
 */
static bool port_is_free(const struct config_listener *listener)
{
    struct sockaddr_storage address = listener->address;
    if (*socket_port(&address) == 0)
        return true;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    bool is_free = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                   bind(fd, (struct sockaddr *)&address, listener->address_bytes) == 0;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return is_free;
}

static char *read_text(const char *path, struct edge_problem *problem)
{
    FILE *file = fopen(path, "re");
    char *text = file ? calloc(1, PEM_BYTES_MAX + 1) : NULL;
    size_t n = text ? fread(text, 1, PEM_BYTES_MAX, file) : 0;
    if (!file || !text || n == 0) {
        snprintf(problem->text, sizeof problem->text,
                 "cannot read %s: %s; listen.tls needs a PEM file there", path,
                 file ? "it is empty" : strerror(errno));
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

static enum sl_err read_tls(struct edge *edge, const struct config_listener *listener,
                            struct edge_problem *problem)
{
    if (!listener->certificate)
        return SL_OK;
    edge->certificate = read_text(listener->certificate, problem);
    edge->key = edge->certificate ? read_text(listener->private_key, problem) : NULL;
    if (!edge->key)
        return SL_ESTORE;
    return gnutls_session_ticket_key_generate(&edge->ticket_key) == 0 ? SL_OK : SL_EINTERNAL;
}

static enum sl_err start_threads(struct edge *edge, struct node *node, struct edge_problem *problem)
{
    const struct config_listener *at = &node->config->partners_listener;
    struct edge_listener listener = {
        .node = node,
        .credentials = edge->credentials,
        .prover = edge->prover,
        .certificate = edge->certificate,
        .key = edge->key,
        .ticket_key = edge->certificate ? &edge->ticket_key : NULL,
    };
    if (!port_is_free(at)) {
        snprintf(problem->text, sizeof problem->text,
                 "cannot listen on %.*s: %s; stop what listens there, or change listen.partners",
                 SLICE_PRINTF(at->text), strerror(errno));
        return SL_ESTORE;
    }
    for (size_t i = 0; i < node->config->n_threads; i++) {
        int fd = socket_listen(&at->address, at->address_bytes, true, &edge->port);
        if (fd < 0) {
            snprintf(problem->text, sizeof problem->text, "cannot listen on %.*s: %s",
                     SLICE_PRINTF(at->text), strerror(errno));
            return SL_ESTORE;
        }
        if (edge_thread_start(&edge->threads[i], &listener, fd) != SL_OK) {
            snprintf(problem->text, sizeof problem->text,
                     "cannot start data thread %zu: out of memory or descriptors%s", i,
                     edge->certificate ? ", or a certificate and key that do not fit" : "");
            return SL_EINTERNAL;
        }
        edge->n_threads = i + 1;
    }
    return SL_OK;
}

enum sl_err edge_start(struct node *node, struct edge_problem *problem, struct edge **out)
{
    struct edge *edge = calloc(1, sizeof *edge);
    if (edge)
        edge->threads = calloc(node->config->n_threads, sizeof *edge->threads);
    enum sl_err err = edge && edge->threads ? SL_OK : SL_EINTERNAL;
    snprintf(problem->text, sizeof problem->text, "out of memory");
    if (err == SL_OK)
        err = credential_table_new(node->config, &edge->credentials);
    if (err == SL_OK)
        err = read_tls(edge, &node->config->partners_listener, problem);
    if (err == SL_OK)
        err = prover_start(node, &edge->prover);
    if (err == SL_OK)
        err = start_threads(edge, node, problem);
    if (err == SL_OK && node->config->ledger_listener.text.n > 0)
        err = ledger_listener_start(node, edge->certificate, edge->key, problem, &edge->ledger);
    if (err == SL_OK && node->config->page_listener.text.n > 0)
        err = page_start(node, edge->certificate, edge->key, problem, &edge->page);
    atomic_store(&node->page, edge ? edge->page : NULL);
    if (err != SL_OK) {
        struct edge_counters none = {0};
        edge_stop(edge, &none);
        return err;
    }
    *out = edge;
    return SL_OK;
}

static void add_counters(struct edge_counters *sum, const struct edge_counters *counters)
{
    sum->n_released += counters->n_released;
    sum->n_refused += counters->n_refused;
    sum->n_unrecorded += counters->n_unrecorded;
    sum->n_proven += counters->n_proven;
    sum->n_done += counters->n_done;
    sum->n_turned_away += counters->n_turned_away;
    sum->n_malformed += counters->n_malformed;
    sum->n_deadlines += counters->n_deadlines;
}

void edge_stop(struct edge *edge, struct edge_counters *sum)
{
    if (!edge)
        return;
    page_stop(edge->page);
    ledger_listener_stop(edge->ledger);
    for (size_t i = 0; i < edge->n_threads; i++)
        edge_thread_drain(&edge->threads[i]);
    prover_stop(edge->prover);
    for (size_t i = 0; i < edge->n_threads; i++) {
        add_counters(sum, &edge->threads[i].counters);
        edge_thread_close(&edge->threads[i]);
    }
    if (edge->key)
        OPENSSL_cleanse(edge->key, strlen(edge->key));
    if (edge->ticket_key.data)
        gnutls_free(edge->ticket_key.data);
    credential_table_free(edge->credentials);
    free(edge->certificate);
    free(edge->key);
    free(edge->threads);
    free(edge);
}

uint16_t edge_port(const struct edge *edge)
{
    return edge->port;
}

uint16_t edge_page_port(const struct edge *edge)
{
    return edge->page ? page_port(edge->page) : 0;
}

uint16_t edge_ledger_port(const struct edge *edge)
{
    return edge->ledger ? ledger_listener_port(edge->ledger) : 0;
}
