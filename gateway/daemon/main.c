/*
 * main.c - sluisd: reads the configuration, opens the node, serves until told to stop
 *
 * Exit codes are those of sysexits.h: 0 after SIGTERM or SIGINT, EX_CONFIG for a configuration
 * that can't be used, EX_TEMPFAIL when another process has the state folder, EX_IOERR when the
 * ledger or the store can't be opened or written any more, EX_UNAVAILABLE when it can't listen.
 */
#include "base/log.h"
#include "base/plural.h"
#include "daemon/control.h"
#include "edge/edge.h"
#include "flow/node.h"
#include "flow/outdated.h"
#include "flow/trust_file.h"
#include "ledger/last_checkpoint.h"
#include "submit/submitter.h"

#include <argp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>

const char *argp_program_version = "sluisd 0.1.0";

struct arguments {
    const char *config_file;
    bool only_test;
    bool debug;
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'c':
        arguments->config_file = value;
        return 0;
    case 't':
        arguments->only_test = true;
        return 0;
    case 'd':
        arguments->debug = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"config", 'c', "FILE", 0, "the configuration (default: sluis.yaml)", 0},
    {"test", 't', NULL, 0, "check the configuration, say everything that is wrong, and end", 0},
    {"debug", 'd', NULL, 0, "log more", 0},
    {0},
};

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .doc = "The Sluis gateway: checks every flow of personal data against the policy of the person "
           "it is about, reduces it, and releases it when its receipt is durable.\v"
           "It runs in the foreground and logs to standard error; SIGTERM, SIGINT and SIGHUP end "
           "it in order.\n\n"
           "  sluis init demo && sluisd -c demo/sluis.yaml",
};

static void print_problems(struct yaml_problems *problems)
{
    yaml_problems_sort(problems);
    for (size_t i = 0; i < problems->n; i++) {
        char safe[1024];
        text_make_printable(slice_of_str(problems->list[i].text), safe, sizeof safe);
        fprintf(stderr, "%s:%u:%u: %s: %s\n", problems->file, problems->list[i].line,
                problems->list[i].column, problems->list[i].warning ? "warning" : "error", safe);
    }
}

static enum sl_err load_config(const char *file, struct config **config)
{
    struct yaml_problems problems;
    yaml_problems_init(&problems, file);
    enum sl_err err = config_load(file, &problems, config);
    print_problems(&problems);
    if (err != SL_OK)
        fprintf(stderr, "sluisd: %s can't be used; nothing was started\n", file);
    yaml_problems_deinit(&problems);
    return err;
}

/* Signals are taken by the main thread alone, between looks at the ledger's health. */
static sigset_t block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP); /* nothing is reloaded, and a closed terminal ends in order too */
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return signals;
}

/* What is told of the work in the background: that it was done, and why it can't be, once. */
static void watch_upkeep(const struct node *node, struct upkeep_status *before)
{
    struct upkeep_status now;
    if (!node->upkeep)
        return;
    upkeep_status(node->upkeep, &now);
    if (now.n_rewrites > before->n_rewrites)
        log_info("the store was written anew under a new key in %lld ms, and the old one wiped",
                 (long long)now.rewrite_ms);
    if (now.n_retired > before->n_retired)
        log_info("%llu superseded versions of policies are kept no longer",
                 (unsigned long long)(now.n_retired - before->n_retired));
    if (now.state == UPKEEP_WAITING && strcmp(now.text, before->text) != 0)
        log_warn("what was erased is still on the disk: %s; it is tried again", now.text);
    if (now.state == UPKEEP_WORKING) /* or it would be told anew with each try */
        memcpy(now.text, before->text, sizeof now.text);
    *before = now;
}

/* Said once when it begins and once when it is over. */
static void watch_last_checkpoint(const struct node *node, bool *had_failed)
{
    struct last_checkpoint_problem problem;
    if (!node->last_checkpoint)
        return;
    bool has_failed = last_checkpoint_failure(node->last_checkpoint, &problem);
    if (has_failed && !*had_failed)
        log_error("%s; flows go on, but an old copy of the ledger would not be noticed",
                  problem.text);
    if (!has_failed && *had_failed)
        log_info("the last checkpoint is written again");
    *had_failed = has_failed;
}

/* Each trouble once, and its end. `said` is what was said last. */
static void watch_heads(const struct node *node, char said[RECORDER_HEADS_PROBLEM_BYTES])
{
    char text[RECORDER_HEADS_PROBLEM_BYTES];
    bool is_wrong = recorder_heads_problem(node->recorder, text);
    if (strcmp(text, said) == 0)
        return;
    if (is_wrong)
        log_error("%s; flows go on, and it is tried again: until then nobody can prove that "
                  "nothing of theirs is missing",
                  text);
    else
        log_info("heads can be made again");
    memcpy(said, text, sizeof text);
}

/*
 * Until a signal, or until the ledger can't be written any more: a gateway without a ledger
 * refuses everything, and the operator must see it stop.
 */
static int wait_for_end(const struct node *node, const sigset_t *signals)
{
    const struct timespec look_again = {.tv_sec = 1};
    bool was_full = false, had_failed = false;
    char said[RECORDER_HEADS_PROBLEM_BYTES] = "";
    struct upkeep_status upkeep = {0};
    for (;;) {
        int signal_number = sigtimedwait(signals, NULL, &look_again);
        if (signal_number > 0) {
            watch_upkeep(node, &upkeep);
            log_info("signal %d: ending the flows under way", signal_number);
            return EX_OK;
        }
        if (recorder_has_failed(node->recorder)) {
            log_error("the ledger can't be written: %s", recorder_failure(node->recorder));
            return EX_IOERR;
        }
        watch_last_checkpoint(node, &had_failed);
        watch_heads(node, said);
        watch_upkeep(node, &upkeep);
        bool is_full = recorder_is_full(node->recorder);
        if (is_full && !was_full)
            log_error("no room for new receipts: flows are refused, withdrawing still works; make "
                      "room on the disk of %s",
                      node->config->state_folder);
        if (!is_full && was_full)
            log_info("there is room again: flows are served");
        was_full = is_full;
    }
}

/* A descriptor for each connection: the usual soft limit of 1,024 is an old default, not a wish. */
static void raise_descriptor_limit(const struct config *config)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    const uint64_t n_others = 64;
    uint64_t n_wanted = n_others + config->limits.ledger_connections +
                        config->n_threads * (config->limits.connections +
                                             config->n_apps * config->limits.app_connections);
    if (limit.rlim_max < n_wanted)
        log_warn("at most %llu files can be open, but the limits allow %llu connections: raise "
                 "`ulimit -Hn`, or lower connections and app_connections",
                 (unsigned long long)limit.rlim_max, (unsigned long long)n_wanted);
}

/* `sluis` holds the lock for a moment when it writes without a daemon; another daemon stays. */
static enum node_state open_node(const struct config *config, struct node_problem *problem,
                                 struct node **node)
{
    enum { TRIES = 20 };
    const struct timespec pause = {.tv_nsec = 100000000};
    enum node_state state = node_open(config, problem, node);
    for (int i = 1; state == NODE_LOCKED_BY_OTHER && i < TRIES; i++) {
        nanosleep(&pause, NULL);
        state = node_open(config, problem, node);
    }
    return state;
}

/* "127.0.0.1:" of "127.0.0.1:0": what stands before the port. */
static struct slice host_of(const struct config_listener *listener)
{
    struct slice host = listener->text;
    while (host.n > 0 && host.p[host.n - 1] != ':')
        host.n--;
    return host;
}

/* Of a listener that is configured. */
static void write_place(struct writer *writer, const char *what,
                        const struct config_listener *listener, uint16_t port)
{
    if (listener->text.n == 0)
        return;
    write_str(writer, what);
    write_bytes(writer, host_of(listener));
    write_decimal(writer, port);
}

static void log_ready(const struct node *node, const struct edge *edge)
{
    char others[256] = "";
    struct writer writer = writer_over(others, sizeof others - 1);
    write_place(&writer, ", ledger on ", &node->config->ledger_listener, edge_ledger_port(edge));
    write_place(&writer, ", page on ", &node->config->page_listener, edge_page_port(edge));
    log_info("ready: partners on %.*s%u%.*s, %llu %s in the ledger",
             SLICE_PRINTF(host_of(&node->config->partners_listener)), edge_port(edge),
             SLICE_PRINTF(writer_slice(&writer)),
             (unsigned long long)recorder_tree_size(node->recorder),
             plural(recorder_tree_size(node->recorder), "receipt", "receipts"));
}

static void warn_of_outdated(const struct node *node)
{
    uint64_t n = 0;
    if (outdated_count(node->store, &n) == SL_OK && n > 0)
        log_warn("%llu %s compiled by another version of Sluis and not used: what is "
                 "granted there is refused. Put each again: `sluis policy get NAME > FILE`, then "
                 "`sluis policy put FILE`",
                 (unsigned long long)n, plural(n, "policy was", "policies were"));
}

static void print_warning(const char *text)
{
    char safe[TRUST_FILE_TEXT_BYTES];
    text_make_printable(slice_of_str(text), safe, sizeof safe);
    fprintf(stderr, "sluisd: warning: %s\n", safe);
}

static void log_warning(const char *text)
{
    log_warn("%s", text);
}

static void warn_of_trust_file(const struct config *config, void (*warn)(const char *text))
{
    struct trust_file_text texts[TRUST_FILE_TEXTS_MAX];
    size_t n = trust_file_check(config, texts);
    for (size_t i = 0; i < n; i++)
        warn(texts[i].text);
}

static int serve_flows(struct node *node, const sigset_t *signals)
{
    struct edge_problem problem;
    struct edge *edge = NULL;
    struct control *control = NULL;
    if (upkeep_start(node->store, node->config, true, &node->upkeep) != SL_OK)
        log_warn("no thread that wipes what was erased: nothing is wiped until the next start");
    if (control_start(node, &control) != SL_OK)
        log_warn("no control socket in %s: `sluis` can't change policies while this runs",
                 node->config->state_folder);
    if (edge_start(node, &problem, &edge) != SL_OK) {
        log_error("%s", problem.text);
        control_stop(control);
        return EX_UNAVAILABLE;
    }
    if (node->is_first_kept && recorder_tree_size(node->recorder) > 0)
        log_warn("%s was not there: whether this ledger is the newest could not be checked; it is "
                 "kept there from now on",
                 node->config->last_checkpoint);
    warn_of_outdated(node);
    warn_of_trust_file(node->config, log_warning);
    log_ready(node, edge);

    int code = wait_for_end(node, signals);
    struct edge_counters sum = {0};
    control_stop(control); /* first: it hands out links to the page, which ends with the edge */
    edge_stop(edge, &sum);
    log_info("ended: %llu released, %llu refused, %llu without a receipt, %llu receipts proven, "
             "%llu calls done, %llu turned away, %llu malformed, %llu past a deadline",
             (unsigned long long)sum.n_released, (unsigned long long)sum.n_refused,
             (unsigned long long)sum.n_unrecorded, (unsigned long long)sum.n_proven,
             (unsigned long long)sum.n_done, (unsigned long long)sum.n_turned_away,
             (unsigned long long)sum.n_malformed, (unsigned long long)sum.n_deadlines);
    return code;
}

static int serve(struct node *node, const sigset_t *signals)
{
    struct submitter *submitter = NULL;
    if (node->witnessed && submitter_start(node, &submitter) != SL_OK) {
        log_error("the witnesses can't be asked: out of memory or descriptors");
        return EX_UNAVAILABLE;
    }
    int code = serve_flows(node, signals);
    submitter_stop(submitter);
    return code;
}

/* With -t: "right" is said only of what a start would take. */
static int test_config(const char *file, const struct config *config)
{
    struct last_checkpoint_problem problem;
    struct ledger_held held;
    warn_of_trust_file(config, print_warning);
    if (config->last_checkpoint &&
        last_checkpoint_read(config->last_checkpoint, config->origin, &problem, &held) != SL_OK) {
        char safe[2 * sizeof problem.text];
        text_make_printable(slice_of_str(problem.text), safe, sizeof safe);
        fprintf(stderr, "sluisd: %s\n%s: right as a text, but sluisd would not start with it\n",
                safe, file);
        return EX_IOERR;
    }
    printf("%s: right\n", file);
    return EX_OK;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.config_file = "sluis.yaml"};
    argp_err_exit_status = EX_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (arguments.debug)
        log_set_level(LOG_DEBUG);

    SL_AUTO(config) config = NULL;
    if (load_config(arguments.config_file, &config) != SL_OK)
        return EX_CONFIG;
    if (arguments.only_test)
        return test_config(arguments.config_file, config);

    sigset_t signals = block_signals();
    raise_descriptor_limit(config);
    struct node_problem problem;
    struct node *node = NULL;
    enum node_state state = open_node(config, &problem, &node);
    if (state != NODE_OPENED) {
        log_error("%s", problem.text);
        return state == NODE_LOCKED_BY_OTHER ? EX_TEMPFAIL : EX_IOERR;
    }
    int code = serve(node, &signals);
    node_close(node);
    return code;
}
