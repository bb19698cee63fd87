/*
 * node.c - opens a state folder in the one order that is safe
 *
 *   lock -> keys -> store -> ledger (recovers; must hold the last checkpoint that is kept
 *   elsewhere) -> receipts that a crash left out -> open
 */
#include "flow/node.h"

#include "config/keys.h"
#include "flow/push_settle.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = KEYS_PATH_BYTES };
static const char path_too_long[] = "the path of the state folder is too long";

static enum node_state broken(struct node_problem *problem, const char *text)
{
    snprintf(problem->text, sizeof problem->text, "%s", text);
    return NODE_BROKEN;
}

static enum node_state make_folder(const struct config *config, enum state_place place,
                                   struct node_problem *problem)
{
    char path[PATH_BYTES_MAX];
    if (keys_path(config->state_folder, place, path) != SL_OK)
        return broken(problem, path_too_long);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return NODE_OPENED;
    snprintf(problem->text, sizeof problem->text, "cannot make %.400s: %s", path, strerror(errno));
    return NODE_BROKEN;
}

/* The store remembers a fingerprint of the key from the first start on. */
static bool pseudonym_key_is_known(struct node *node)
{
    uint8_t fingerprint[SHA256_BYTES];
    struct hmac_key key;
    struct sha256 hash;
    hmac_key_init(&key, slice_of(node->pseudonym_key, sizeof node->pseudonym_key));
    hmac_begin(&key, &hash);
    sha256_add(&hash, slice_of_str("sluis fingerprint v1"));
    hmac_end(&key, &hash, fingerprint);
    OPENSSL_cleanse(&key, sizeof key);
    bool matches = false;
    return store_pin(node->store, "pseudonym key", slice_of(fingerprint, sizeof fingerprint),
                     &matches) == SL_OK &&
           matches;
}

static enum node_state open_store(struct node *node, struct node_problem *problem)
{
    const char *state = node->config->state_folder;
    char folder[PATH_BYTES_MAX], key_file[PATH_BYTES_MAX], pseudonym_file[PATH_BYTES_MAX];
    if (keys_path(state, STATE_STORE, folder) != SL_OK ||
        keys_path(state, STATE_KEK, key_file) != SL_OK ||
        keys_path(state, STATE_PSEUDONYM_KEY, pseudonym_file) != SL_OK)
        return broken(problem, path_too_long);

    struct private_file_problem key_problem;
    if (keys_read(pseudonym_file, node->pseudonym_key, &key_problem) != SL_OK)
        return broken(problem, key_problem.text);
    struct store_problem store_problem;
    if (store_open(folder, key_file, false, &store_problem, &node->store) != SL_OK)
        return broken(problem, store_problem.text);
    if (!pseudonym_key_is_known(node))
        return broken(problem, "keys/pseudonym.key is not the key that this node's pseudonyms were "
                               "made with: partners would not find anybody again; restore it from "
                               "the copy that the rest of the state folder comes from");
    node->memory.store = node->store;
    if (store_reader_new(node->store, &node->memory.reader) != SL_OK)
        return broken(problem, "the store can't be read: out of memory or reader slots");
    return NODE_OPENED;
}

/*
 * Each change (of a policy, or an erasure) is in the store and in the ledger. When one of them has
 * fewer, it is an older copy: an older store would bring withdrawn consents and erased people back,
 * and a shorter ledger hides what was.
 */
static enum node_state compare_store_with_ledger(struct node *node, uint64_t n_missing,
                                                 struct node_problem *problem)
{
    uint64_t n_stored = 0;
    if (store_n_changes(node->store, &n_stored) != SL_OK)
        return broken(problem, "the store can't be read");
    uint64_t n_recorded = recorder_n_changes(node->recorder);
    if (n_stored == n_recorded + n_missing)
        return NODE_OPENED;
    if (recorder_forget_numbers(node->recorder) != SL_OK)
        return broken(problem,
                      "the index was counted with the keys of another store, and can't be "
                      "written; restore the whole state folder, then `sluis ledger index`");
    snprintf(problem->text, sizeof problem->text,
             "store and ledger do not belong together: the store knows %llu changes, the "
             "ledger %llu, and %llu are to be written; the %s is an older copy. Restore the whole "
             "state folder from one and the same copy",
             (unsigned long long)n_stored, (unsigned long long)n_recorded,
             (unsigned long long)n_missing, n_stored < n_recorded + n_missing ? "store" : "ledger");
    return NODE_BROKEN;
}

/* Before anything is written: what a quorum has seen must be there. */
static enum node_state open_witnessed(struct node *node, struct node_problem *problem)
{
    struct recorder_problem why;
    if (!node->config->witnesses)
        return NODE_OPENED;
    if (witnessed_new(node->config, &node->witnessed) != SL_OK)
        return broken(problem, "the state folder can't be read, or there is no memory");
    if (witnessed_check_ledger(node->witnessed, node->recorder, &why) != SL_OK)
        return broken(problem, why.text);
    return NODE_OPENED;
}

/* Starts the recorder, and gives it the receipts that a crash left out. */
static enum node_state record_missing(struct node *node, struct node_problem *problem)
{
    SL_AUTO(change_missing) missing = NULL;
    SL_AUTO(push_settle) pushes = NULL;
    if (push_settle_find(&node->memory, recorder_tree_size(node->recorder), &pushes) != SL_OK)
        return broken(problem, "the store's list of pushes can't be read");
    if (change_missing_find(node->store, recorder_n_changes(node->recorder), &missing) != SL_OK)
        return broken(problem, "the store's list of receipts to be written can't be read");
    enum node_state state_of_both =
        compare_store_with_ledger(node, change_missing_count(missing), problem);
    if (state_of_both != NODE_OPENED)
        return state_of_both;
    if (recorder_start(node->recorder) != SL_OK)
        return broken(problem, "the recorder's thread can't be started");
    if (change_missing_record(missing, node->recorder) != SL_OK)
        return broken(problem,
                      "a change that a crash cut short can't be recorded; is the disk full?");
    if (push_settle_record(pushes, node->recorder) != SL_OK)
        return broken(problem, "how a push ended that a crash cut short can't be recorded");
    recorder_start_epochs(node->recorder);
    return NODE_OPENED;
}

/* What must be in the ledger, from the file that is meant to be on another disk. */
static enum node_state read_last_checkpoint(const struct node *node,
                                            struct recorder_config *recorder,
                                            struct node_problem *problem)
{
    const char *path = node->config->last_checkpoint;
    struct last_checkpoint_problem last_problem;
    if (!path)
        return NODE_OPENED;
    recorder->held_file = path;
    if (last_checkpoint_read(path, node->config->origin, &last_problem, &recorder->held) != SL_OK)
        return broken(problem, last_problem.text);
    return NODE_OPENED;
}

struct ledger_paths {
    char folder[PATH_BYTES_MAX], index_folder[PATH_BYTES_MAX];
    char key_file[PATH_BYTES_MAX], vkey_file[PATH_BYTES_MAX];
};

/* Points into `paths`. */
static enum node_state configure_recorder(struct node *node, struct ledger_paths *paths,
                                          struct recorder_config *out, struct node_problem *problem)
{
    const char *state = node->config->state_folder;
    if (keys_path(state, STATE_LEDGER, paths->folder) != SL_OK ||
        keys_path(state, STATE_INDEX, paths->index_folder) != SL_OK ||
        keys_path(state, STATE_LEDGER_KEY, paths->key_file) != SL_OK ||
        keys_path(state, STATE_LEDGER_VKEY, paths->vkey_file) != SL_OK)
        return broken(problem, path_too_long);
    *out = (struct recorder_config){
        .folder = paths->folder,
        .index_folder = paths->index_folder,
        .origin = node->config->origin,
        .key_file = paths->key_file,
        .vkey_file = paths->vkey_file,
        .limits = &node->config->limits,
        .ops = change_recorder_ops(&node->memory),
    };
    return read_last_checkpoint(node, out, problem);
}

static enum node_state open_ledger(struct node *node, struct node_problem *problem)
{
    struct ledger_paths paths;
    struct recorder_config recorder;
    if (configure_recorder(node, &paths, &recorder, problem) != NODE_OPENED)
        return NODE_BROKEN;
    struct recorder_problem recorder_problem;
    if (recorder_open(&recorder, &recorder_problem, &node->recorder) != SL_OK)
        return broken(problem, recorder_problem.text);
    if (open_witnessed(node, problem) != NODE_OPENED ||
        record_missing(node, problem) != NODE_OPENED)
        return NODE_BROKEN;
    node->is_first_kept = recorder.held_file && recorder.held.size == 0;
    if (recorder.held_file &&
        last_checkpoint_start(recorder.held_file, recorder.held.size, node->recorder,
                              &node->last_checkpoint) != SL_OK)
        return broken(problem, "the thread that keeps the last checkpoint can't be started");
    return NODE_OPENED;
}

static enum node_state open_all(struct node *node, struct node_problem *problem)
{
    static const enum state_place folders[] = {STATE_STORE, STATE_LEDGER, STATE_INDEX};
    if (situations_new(node->config, &node->situations) != SL_OK)
        return broken(problem, "no memory or no random bytes for what apps tell");
    enum node_state state = lock_take(node->config->state_folder, problem, &node->lock_fd);
    for (size_t i = 0; state == NODE_OPENED && i < SL_LENGTH(folders); i++)
        state = make_folder(node->config, folders[i], problem);
    if (state == NODE_OPENED)
        state = open_store(node, problem);
    if (state == NODE_OPENED)
        state = open_ledger(node, problem);
    return state;
}

enum node_state node_open(const struct config *config, struct node_problem *problem,
                          struct node **out)
{
    struct node *node = calloc(1, sizeof *node);
    if (!node)
        return broken(problem, "out of memory");
    node->config = config;
    node->lock_fd = -1;
    enum node_state state = open_all(node, problem);
    if (state != NODE_OPENED) {
        node_close(node);
        return state;
    }
    *out = node;
    return NODE_OPENED;
}

/* Lock and store, and then the index. */
static enum node_state rebuild(struct node *node, const struct node_reading *reading,
                               struct node_problem *problem, struct index_rebuilt *out)
{
    struct ledger_paths paths;
    struct recorder_config recorder;
    struct recorder_problem rebuild_problem;
    enum node_state state = lock_take(node->config->state_folder, problem, &node->lock_fd);
    if (state == NODE_OPENED)
        state = open_store(node, problem);
    if (state == NODE_OPENED)
        state = configure_recorder(node, &paths, &recorder, problem);
    if (state != NODE_OPENED)
        return state;
    recorder.n_helpers = reading->n_helpers;
    recorder.progress = reading->progress;
    recorder.progress_context = reading->progress_context;
    if (index_rebuild(&recorder, &rebuild_problem, out) != SL_OK)
        return broken(problem, rebuild_problem.text);
    return NODE_OPENED;
}

enum node_state node_rebuild_index(const struct config *config, const struct node_reading *reading,
                                   struct node_problem *problem, struct index_rebuilt *out)
{
    struct node *node = calloc(1, sizeof *node);
    if (!node)
        return broken(problem, "out of memory");
    node->config = config;
    node->lock_fd = -1;
    enum node_state state = rebuild(node, reading, problem, out);
    node_close(node);
    return state;
}

size_t node_note(struct node *node, uint8_t note[NOTE_BYTES_MAX])
{
    _Static_assert((int)NOTE_BYTES_MAX >= (int)RECORDER_CHECKPOINT_BYTES_MAX, "holds any");
    _Static_assert((int)NOTE_BYTES_MAX >= (int)WITNESSED_NOTE_BYTES_MAX, "holds any");
    size_t n = node->witnessed ? witnessed_checkpoint(node->witnessed, note) : 0;
    return n > 0 ? n : recorder_checkpoint(node->recorder, note);
}

void node_close(struct node *node)
{
    if (!node)
        return;
    upkeep_stop(node->upkeep);
    if (node->recorder)
        recorder_stop(node->recorder);
    last_checkpoint_stop(node->last_checkpoint);
    recorder_free(node->recorder);
    witnessed_free(node->witnessed);
    store_reader_free(node->memory.reader);
    store_free(node->store);
    situations_free(node->situations);
    OPENSSL_cleanse(node->pseudonym_key, sizeof node->pseudonym_key);
    if (node->lock_fd >= 0)
        close(node->lock_fd);
    free(node);
}
