/*
 * main.c - sluis-audit-witness: a witness that anybody can run, started by `sluis-audit witness`
 *
 * A program of its own, because it listens: sluis-audit links no server (docs/decisions). It needs
 * nothing of a gateway but the public keys of its ledgers.
 */
#include "base/address.h"
#include "base/log.h"
#include "base/plural.h"
#include "edge/socket.h"
#include "witness/answer.h"
#include "witness/log_keys.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

const char *argp_program_version = "sluis-audit witness " SLUIS_VERSION;

struct arguments {
    const char *listen, *key_file, *state_folder, *new_name, *new_file;
    bool debug;
    struct log_keys keys;
};

/* Says why and gives the exit code back. */
static SL_PRINTF(2, 3) int fail(int exit_code, const char *format, ...)
{
    char text[1024], safe[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_make_printable(slice_of_str(text), safe, sizeof safe);
    fprintf(stderr, "sluis-audit witness: %s\n", safe);
    return exit_code;
}

/* ------------------------------------------------------------------------------ command line -- */

enum { KEY_NEW_KEY = 256 };

static const struct argp_option options[] = {
    {"listen", 'l', "ADDRESS:PORT", 0, "where to listen (default: 127.0.0.1:8470)", 0},
    {"log", 'g', "VKEY|FILE", 0,
     "a log to watch: its public key, or a file with one on each line; may be repeated", 0},
    {"key", 'k', "FILE", 0, "the witness's private key, as --new-key made it", 0},
    {"state", 's', "DIR", 0, "a folder that must never be lost: what was cosigned", 0},
    {"new-key", KEY_NEW_KEY, "NAME", 0,
     "make a key for a witness of this name, write it to FILE, and print its public key", 1},
    {"debug", 'd', NULL, 0, "log each cosignature", 2},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'l':
        arguments->listen = value;
        return 0;
    case 'g':
        if (log_keys_add(&arguments->keys, value) != SL_OK)
            exit(fail(EX_DATAERR, "%s", arguments->keys.problem));
        return 0;
    case 'k':
        arguments->key_file = value;
        return 0;
    case 's':
        arguments->state_folder = value;
        return 0;
    case 'd':
        arguments->debug = true;
        return 0;
    case KEY_NEW_KEY:
        arguments->new_name = value;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->new_file)
            argp_error(state, "\"%s\" is one word too many", value);
        arguments->new_file = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "--log VKEY... --key FILE --state DIR\n--new-key NAME FILE",
    .doc = "Cosigns the checkpoints of logs, each only when it grew out of the one before "
           "(C2SP tlog-witness).\v"
           "It runs in the foreground and logs to standard error; SIGTERM and SIGINT end it.\n\n"
           "  sluis-audit witness --new-key witness.example.org/1 witness.key\n"
           "  mkdir witness\n"
           "  sluis-audit witness --key witness.key --state witness --log ledger.vkey",
};

/* ---------------------------------------------------------------------------------- new keys -- */

static int make_key(const struct arguments *arguments)
{
    if (!arguments->new_file)
        return fail(EX_USAGE, "--new-key needs a file after the name, where the key is written");
    struct note_problem problem;
    char vkey[NOTE_VKEY_BYTES_MAX];
    enum sl_err err =
        cosigner_generate(arguments->new_file, slice_of_str(arguments->new_name), &problem, vkey);
    if (err != SL_OK)
        return fail(err == SL_EMALFORMED ? EX_USAGE : EX_CANTCREAT, "%s", problem.text);
    return printf("%s\n", vkey) < 0 || fflush(stdout) != 0 ? EX_IOERR : EX_OK;
}

/* ----------------------------------------------------------------------------------- serving -- */

static int open_witness(const struct arguments *arguments, struct witness *witness)
{
    struct note_problem key_problem;
    struct memory_problem memory_problem;
    if (cosigner_open(arguments->key_file, &key_problem, &witness->cosigner) != SL_OK)
        return fail(EX_CONFIG, "%s", key_problem.text);
    const struct vkey *mine = cosigner_vkey(witness->cosigner);
    for (size_t i = 0; i < arguments->keys.n; i++)
        if (memcmp(arguments->keys.list[i].key, mine->key, NOTE_KEY_BYTES) == 0)
            return fail(EX_CONFIG,
                        "the log %.*s has this witness's own key: a log can't be its own witness",
                        SLICE_PRINTF(arguments->keys.list[i].name));
    if (known_logs_new(arguments->keys.list, arguments->keys.n, &witness->logs) != SL_OK)
        return fail(EX_SOFTWARE, "out of memory");
    if (memory_open(arguments->state_folder, cosigner_vkey_text(witness->cosigner), witness->logs,
                    &memory_problem, &witness->memory) != SL_OK)
        return fail(memory_problem.is_locked ? EX_TEMPFAIL : EX_IOERR, "%s", memory_problem.text);
    return EX_OK;
}

/* Blocked before any thread is there, so that they come to the one that waits. */
static sigset_t block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return signals;
}

static int serve(struct witness *witness, const char *listen)
{
    struct sockaddr_storage address;
    socklen_t address_bytes;
    if (!address_parse(slice_of_str(listen), &address, &address_bytes))
        return fail(EX_USAGE,
                    "--listen \"%s\"; expected an address and a port in numbers, such as "
                    "127.0.0.1:8470 or [::]:8470",
                    listen);
    sigset_t signals = block_signals();
    const struct limits limits = limits_default();
    uint16_t port = 0;
    struct server_config config = {
        .listen_fd = socket_listen(&address, address_bytes, false, &port),
        .thread_name = "witness",
        .limits = &limits,
        .n_connections = LIMIT_MAX_witness_connections,
        .n_address_connections = LIMIT_MAX_witness_address_connections,
        .body_bytes_max = LIMIT_MAX_witness_request_bytes,
        .answer = witness_answer,
        .context = witness,
    };
    if (config.listen_fd < 0)
        return fail(EX_UNAVAILABLE, "cannot listen on %s: %s", listen, strerror(errno));
    SL_AUTO(server) server = NULL;
    if (server_start(&config, &server) != SL_OK)
        return fail(EX_UNAVAILABLE, "cannot listen on %s: out of memory or descriptors", listen);
    log_info("ready: %s on port %u, watches %zu %s", cosigner_vkey_text(witness->cosigner), port,
             witness->logs->n, plural(witness->logs->n, "log", "logs"));
    int number = 0;
    sigwait(&signals, &number);
    log_info("signal %d: ended", number);
    return EX_OK;
}

static int run(const struct arguments *arguments)
{
    if (arguments->new_name)
        return make_key(arguments);
    if (arguments->new_file)
        return fail(EX_USAGE, "\"%s\" belongs to no option", arguments->new_file);
    if (!arguments->key_file || !arguments->state_folder || arguments->keys.n == 0)
        return fail(EX_USAGE, "--%s is missing; see --help",
                    !arguments->key_file       ? "key"
                    : !arguments->state_folder ? "state"
                                               : "log");
    struct witness witness = {0};
    int code = open_witness(arguments, &witness);
    if (code == EX_OK)
        code = serve(&witness, arguments->listen);
    memory_free(witness.memory);
    known_logs_free(witness.logs);
    cosigner_free(witness.cosigner);
    return code;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.listen = "127.0.0.1:8470"};
    static char name[] = "sluis-audit witness"; /* what people type */
    argv[0] = name;
    argp_err_exit_status = EX_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (arguments.debug)
        log_set_level(LOG_DEBUG);
    int code = run(&arguments);
    log_keys_deinit(&arguments.keys);
    return code;
}
