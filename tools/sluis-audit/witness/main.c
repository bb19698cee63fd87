/*
 * main.c - sluis-audit-witness: a witness that anybody can run, started by `sluis-audit witness`
 *
 * A program of its own, because it listens: sluis-audit links no server (docs/decisions). It needs
 * nothing of a gateway but the public keys of its ledgers.
 */
#include "base/address.h"
#include "base/log.h"
#include "base/plural.h"
#include "common/cli.h"
#include "edge/socket.h"
#include "witness/answer.h"
#include "witness/log_keys.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------- new keys -- */

enum {
    KEY_LISTEN = 'l',
    KEY_LOG = 'g',
    KEY_KEY = 'k',
    KEY_STATE = 's',
    KEY_DEBUG = 'd',
    KEY_NEW_KEY = 200,
};

static struct log_keys log_keys;

static int make_key(const struct cli *cli)
{
    struct note_problem problem;
    char vkey[NOTE_VKEY_BYTES_MAX];
    const char *file = cli->arguments[0];
    if (!file)
        return cli_misused(cli, "--new-key needs a file after the name, where the key is written");
    enum sl_err err =
        cosigner_generate(file, slice_of_str(cli->values[KEY_NEW_KEY]), &problem, vkey);
    if (err != SL_OK)
        return cli_fail(cli, err == SL_EMALFORMED ? EX_USAGE : EX_CANTCREAT, "%s", problem.text);
    if (cli->json)
        return cli_print_json(cli,
                              json_pack("{s:o, s:o}", "vkey", json_of_slice(slice_of_str(vkey)),
                                        "file", json_of_slice(slice_of_str(file))));
    printf("%s\n", vkey);
    return EX_OK;
}

/* ----------------------------------------------------------------------------------- serving -- */

static int open_witness(const struct cli *cli, struct witness *witness)
{
    struct note_problem key_problem;
    struct memory_problem memory_problem;
    if (cosigner_open(cli->values[KEY_KEY], &key_problem, &witness->cosigner) != SL_OK)
        return cli_fail(cli, EX_CONFIG, "%s", key_problem.text);
    const struct vkey *mine = cosigner_vkey(witness->cosigner);
    for (size_t i = 0; i < log_keys.n; i++)
        if (memcmp(log_keys.list[i].key, mine->key, NOTE_KEY_BYTES) == 0)
            return cli_fail(
                cli, EX_CONFIG,
                "the log %.*s has this witness's own key: a log can't be its own witness",
                SLICE_PRINTF(log_keys.list[i].name));
    if (known_logs_new(log_keys.list, log_keys.n, &witness->logs) != SL_OK)
        return cli_fail(cli, EX_SOFTWARE, "out of memory");
    if (memory_open(cli->values[KEY_STATE], cosigner_vkey_text(witness->cosigner), witness->logs,
                    &memory_problem, &witness->memory) != SL_OK)
        return cli_fail(cli, memory_problem.is_locked ? EX_TEMPFAIL : EX_IOERR, "%s",
                        memory_problem.text);
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

static int serve(const struct cli *cli, struct witness *witness)
{
    const char *listen = cli->given[KEY_LISTEN] ? cli->values[KEY_LISTEN] : "127.0.0.1:8470";
    struct sockaddr_storage address;
    socklen_t address_bytes;
    if (!address_parse(slice_of_str(listen), &address, &address_bytes))
        return cli_fail(cli, EX_USAGE,
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
        return cli_fail(cli, EX_UNAVAILABLE, "cannot listen on %s: %s", listen, strerror(errno));
    SL_AUTO(server) server = NULL;
    if (server_start(&config, &server) != SL_OK)
        return cli_fail(cli, EX_UNAVAILABLE, "cannot listen on %s: out of memory or descriptors",
                        listen);
    log_info("ready: %s on port %u, watches %zu %s", cosigner_vkey_text(witness->cosigner), port,
             witness->logs->n, plural(witness->logs->n, "log", "logs"));
    int number = 0;
    sigwait(&signals, &number);
    log_info("signal %d: ended", number);
    return EX_OK;
}

static int witness_run(struct cli *cli)
{
    static const struct {
        int key;
        const char *name;
    } needed[] = {{KEY_KEY, "key"}, {KEY_STATE, "state"}};
    if (cli->given[KEY_NEW_KEY])
        return make_key(cli);
    if (cli->n_arguments > 0)
        return cli_misused(cli, "\"%s\" belongs to no option", cli->arguments[0]);
    for (size_t i = 0; i < SL_LENGTH(needed); i++)
        if (!cli->given[needed[i].key])
            return cli_misused(cli, "--%s is missing", needed[i].name);
    if (log_keys.n == 0)
        return cli_misused(cli, "--log is missing: which logs to watch?");
    if (cli->given[KEY_DEBUG])
        log_set_level(LOG_DEBUG);
    struct witness witness = {0};
    int code = open_witness(cli, &witness);
    if (code == EX_OK)
        code = serve(cli, &witness);
    memory_free(witness.memory);
    known_logs_free(witness.logs);
    cosigner_free(witness.cosigner);
    return code;
}

/* ------------------------------------------------------------------------------ command line -- */

static int take_log(struct cli *cli, const char *value)
{
    if (log_keys_add(&log_keys, value) == SL_OK)
        return EX_OK;
    return cli_fail(cli, EX_DATAERR, "%s", log_keys.problem);
}

static const struct argp_option options[] = {
    {"log", KEY_LOG, "VKEY|FILE", 0,
     "a log to watch: its public key, or a file with one on each line; may be repeated", 0},
    {"key", KEY_KEY, "FILE", 0, "the witness's private key, as --new-key made it", 0},
    {"state", KEY_STATE, "DIR", 0, "a folder that must never be lost: what was cosigned", 0},
    {"listen", KEY_LISTEN, "ADDRESS:PORT", 0, "where to listen (127.0.0.1:8470)", 0},
    {"debug", KEY_DEBUG, NULL, 0, "log each cosignature", 0},
    {"new-key", KEY_NEW_KEY, "NAME", 0,
     "make a key for a witness of this name, write it to a new FILE, and print its public key", 1},
    {0},
};

static const struct cli_command command = {
    "witness",
    "[FILE]",
    0,
    1,
    "run a witness: cosign what only grew",
    "Cosigns the checkpoints of logs, each only when it grew out of the one before (C2SP "
    "tlog-witness). It runs in the foreground and logs to standard error; SIGTERM, SIGINT and "
    "SIGHUP end it. FILE is for --new-key alone.\n\n"
    "Example:\n  sluis-audit witness --new-key witness.example.org/1 witness.key\n"
    "  mkdir witness\n"
    "  sluis-audit witness --key witness.key --state witness --log ledger.vkey",
    options,
    witness_run,
};

static const struct cli_program program = {
    .name = "sluis-audit", /* what people type, with the command after it */
    .summary = "Run a witness.",
    .help = "",
    .commands = &command,
    .n_commands = 1,
    .repeated = KEY_LOG,
    .repeat = take_log,
};

int main(int argc, char **argv)
{
    static char name[] = "sluis-audit", word[] = "witness";
    char **words = calloc((size_t)argc + 2, sizeof *words);
    if (!words)
        return EX_SOFTWARE;
    words[0] = name;
    words[1] = word;
    for (int i = 1; i < argc; i++)
        words[i + 1] = argv[i];
    int code = cli_main(&program, argc + 1, words);
    log_keys_deinit(&log_keys);
    free(words);
    return code;
}
