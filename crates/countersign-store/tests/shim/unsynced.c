/* A disk that forgets what was not synced.
 *
 * Loaded in front of libc (LD_PRELOAD), it remembers what a process does to the files of one folder since each was last synced.
 * At the chosen operation the power fails: every file goes back to what it was when it was synced, then some of what came later
 * happens to have reached the disk after all, chosen by the seed, sector by sector and in no order, and the process is gone.
 * So do the names of files that were made, removed or renamed since the folder was synced, but these in their order, as a
 * file system with a journal has them.
 *
 * Nothing is really synced: the process dies, and not the machine.
 *
 *   UNSYNCED_FOLDER  absolute, and without links; only files directly in it
 *   UNSYNCED_AFTER   how many operations are done before the power fails; 0: it does not
 *   UNSYNCED_SEED    what else reaches the disk
 *   UNSYNCED_ROOM    if given: no file grows past so many bytes, for the disk is full
 *
 * Files that end in `-shm` are left alone: they are shared memory, and made anew after a crash.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SECTOR 512
#define FDS 4096
#define GONE 86 /* how a process ends whose power failed */

/* One thing that was done to a file: bytes written, or its end moved. */
struct change {
    struct change *before;
    int truncates;
    off_t at;           /* where, or where the end is now */
    size_t size;        /* of `new` */
    size_t old_size;    /* of `old` */
    off_t old_end;
    unsigned char *new; /* what was written */
    unsigned char *old; /* what was there, as far as the file went */
};

struct file {
    struct file *next;
    dev_t dev;
    ino_t ino;
    int fd; /* of our own, to go back with */
    struct change *last;
};

/* One thing that was done to the folder. */
struct entry {
    struct entry *before;
    enum { MADE, REMOVED, RENAMED } what;
    char name[4096], to[4096];
    char hidden[4200]; /* where the file is that was removed or replaced; empty if there was none */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[4096];
static long after, done, room;
static uint64_t seed;
static struct file *files, *of_fd[FDS];
static char is_folder[FDS];
static struct entry *entries;
static int hidden_count;

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_close)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);

static void fail(const char *what) {
    fprintf(stderr, "unsynced: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static void *must(void *memory) {
    if (!memory) fail("memory");
    return memory;
}

__attribute__((constructor)) static void begin(void) {
    real_open = dlsym(RTLD_NEXT, "open64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_writev = dlsym(RTLD_NEXT, "writev");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_close = dlsym(RTLD_NEXT, "close");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_rename = dlsym(RTLD_NEXT, "rename");
    const char *given = getenv("UNSYNCED_FOLDER"), *end = getenv("UNSYNCED_AFTER"), *from = getenv("UNSYNCED_SEED");
    if (!given || !end || !from) return;
    snprintf(folder, sizeof folder, "%s", given);
    after = atol(end);
    room = getenv("UNSYNCED_ROOM") ? atol(getenv("UNSYNCED_ROOM")) : 0;
    seed = strtoull(from, NULL, 10) * 0x9e3779b97f4a7c15u + 1;
}

static uint64_t chance(uint64_t of) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (seed >> 11) % of;
}

/* Whether `path` is a file of the folder that we look after. */
static int is_ours(const char *path) {
    size_t length = strlen(folder), size = strlen(path);
    if (!length || strncmp(path, folder, length) || path[length] != '/' || strchr(path + length + 1, '/')) return 0;
    return size < 4 || strcmp(path + size - 4, "-shm");
}

static void forget(struct file *file) {
    while (file->last) {
        struct change *change = file->last;
        file->last = change->before;
        free(change->new), free(change->old), free(change);
    }
}

/* As if `change` had not been. */
static void undo(int fd, struct change *change) {
    if (change->old_size && real_pwrite(fd, change->old, change->old_size, change->at) < 0) fail("undo");
    if (real_ftruncate(fd, change->old_end)) fail("undo the end");
}

/* Some of `change` reached the disk: a share of four, sector by sector. */
static void reach(int fd, struct change *change, unsigned share) {
    if (change->truncates) {
        if (chance(4) < share && real_ftruncate(fd, change->at)) fail("reach the end");
        return;
    }
    for (size_t at = 0; at < change->size;) {
        size_t size = SECTOR - (change->at + at) % SECTOR;
        if (size > change->size - at) size = change->size - at;
        if (chance(4) < share && real_pwrite(fd, change->new + at, size, change->at + at) < 0) fail("reach");
        at += size;
    }
}

static void lose_file(struct file *file) {
    size_t count = 0;
    for (struct change *change = file->last; change; change = change->before) undo(file->fd, change), count++;
    struct change **all = must(calloc(count + 1, sizeof *all));
    size_t at = count;
    for (struct change *change = file->last; change; change = change->before) all[--at] = change;
    /* Nothing reached the disk; a quarter of it; half of it; or the first part whole and no more. */
    unsigned share = chance(4);
    size_t whole = share == 3 ? chance(count + 1) : 0;
    for (at = 0; at < whole; at++) reach(file->fd, all[at], 4);
    for (; at < count && share < 3; at++) {
        size_t other = chance(2) ? at : at + chance(count - at);
        struct change *change = all[other];
        all[other] = all[at];
        reach(file->fd, change, share);
    }
    free(all);
}

static void lose_names(void) {
    size_t count = 0;
    for (struct entry *entry = entries; entry; entry = entry->before) count++;
    size_t lost = count ? chance(count + 1) : 0;
    for (struct entry *entry = entries; entry && lost--; entry = entry->before) {
        if (entry->what == MADE && real_unlink(entry->name)) fail("undo a name");
        if (entry->what == RENAMED && real_rename(entry->to, entry->name)) fail("undo a rename");
        const char *back = entry->what == RENAMED ? entry->to : entry->name;
        if (entry->hidden[0] && real_rename(entry->hidden, back)) fail("undo a removal");
        entry->hidden[0] = 0;
    }
    for (struct entry *entry = entries; entry; entry = entry->before)
        if (entry->hidden[0]) real_unlink(entry->hidden);
}

/* The lock is held, and stays so: nobody does anything any more. */
static void one_more(void) {
    if (!after || ++done <= after) return;
    for (struct file *file = files; file; file = file->next) lose_file(file);
    lose_names();
    _exit(GONE);
}

static struct file *file_of(int fd) { return fd >= 0 && fd < FDS ? of_fd[fd] : NULL; }

static void add_entry(int what, const char *name, const char *to, const char *hidden) {
    struct entry *entry = must(calloc(1, sizeof *entry));
    entry->what = what, entry->before = entries, entries = entry;
    snprintf(entry->name, sizeof entry->name, "%s", name);
    snprintf(entry->to, sizeof entry->to, "%s", to);
    snprintf(entry->hidden, sizeof entry->hidden, "%s", hidden);
}

static void track(int fd, const char *path) {
    struct stat is;
    if (fd >= FDS || fstat(fd, &is)) fail("track");
    struct file *file = files;
    while (file && (file->dev != is.st_dev || file->ino != is.st_ino)) file = file->next;
    if (!file) {
        file = must(calloc(1, sizeof *file));
        file->dev = is.st_dev, file->ino = is.st_ino, file->next = files, files = file;
        file->fd = real_open(path, O_RDWR | O_CLOEXEC);
        if (file->fd < 0) fail("open beside");
    }
    of_fd[fd] = file;
}

static void changed(struct file *file, int truncates, off_t at, const void *new, size_t size) {
    struct stat is;
    if (fstat(file->fd, &is)) fail("fstat");
    struct change *change = must(calloc(1, sizeof *change));
    change->truncates = truncates, change->at = at, change->old_end = is.st_size;
    off_t until = truncates ? is.st_size : at + (off_t)size;
    if (until > is.st_size) until = is.st_size;
    if (until > at) {
        change->old_size = until - at;
        change->old = must(malloc(change->old_size));
        if (pread(file->fd, change->old, change->old_size, at) != (ssize_t)change->old_size) fail("read what was there");
    }
    if (!truncates) {
        change->size = size;
        change->new = must(malloc(size));
        memcpy(change->new, new, size);
    }
    change->before = file->last, file->last = change;
}

static int opened(const char *path, int flags, mode_t mode) {
    if (!is_ours(path) && strcmp(path, folder)) return real_open(path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat is;
    int is_new = (flags & O_CREAT) && stat(path, &is);
    if (is_new) one_more();
    int fd = real_open(path, flags & ~O_TRUNC, mode);
    if (fd >= 0 && !strcmp(path, folder)) {
        if (fd >= FDS) fail("too many files");
        is_folder[fd] = 1;
    } else if (fd >= 0) {
        track(fd, path);
        if (is_new) add_entry(MADE, path, "", "");
        if (!is_new && (flags & O_TRUNC)) {
            one_more();
            changed(of_fd[fd], 1, 0, NULL, 0);
            if (real_ftruncate(fd, 0)) fail("truncate");
        }
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static mode_t mode_of(int flags, va_list given) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(given, mode_t) : 0;
}

#define OPENS(name)                          \
    int name(const char *path, int flags, ...) { \
        va_list given;                       \
        va_start(given, flags);              \
        mode_t mode = mode_of(flags, given); \
        va_end(given);                       \
        return opened(path, flags, mode);    \
    }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name)                                                         \
    int name(int at, const char *path, int flags, ...) {                       \
        va_list given;                                                         \
        va_start(given, flags);                                                \
        mode_t mode = mode_of(flags, given);                                   \
        va_end(given);                                                         \
        if (path[0] == '/' || at == AT_FDCWD) return opened(path, flags, mode); \
        int (*real)(int, const char *, int, ...) = dlsym(RTLD_NEXT, #name);    \
        return real(at, path, flags, mode);                                    \
    }
OPENS_AT(openat)
OPENS_AT(openat64)

int creat(const char *path, mode_t mode) { return opened(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return opened(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int close(int fd) {
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < FDS) of_fd[fd] = NULL, is_folder[fd] = 0;
    int result = real_close(fd);
    pthread_mutex_unlock(&lock);
    return result;
}

static ssize_t written(int fd, const void *bytes, size_t size, off_t at) {
    if (room && at + (off_t)size > room) return errno = ENOSPC, -1;
    pthread_mutex_lock(&lock);
    one_more();
    changed(file_of(fd), 0, at, bytes, size);
    ssize_t result = real_pwrite(fd, bytes, size, at);
    if (result != (ssize_t)size) fail("write");
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) {
    return file_of(fd) ? written(fd, bytes, size, at) : real_pwrite(fd, bytes, size, at);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return pwrite64(fd, bytes, size, at); }

ssize_t write(int fd, const void *bytes, size_t size) {
    if (!file_of(fd)) return real_write(fd, bytes, size);
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t result = written(fd, bytes, size, at);
    if (result > 0) lseek(fd, at + result, SEEK_SET);
    return result;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!file_of(fd)) return real_writev(fd, parts, count);
    ssize_t sum = 0;
    for (int part = 0; part < count; part++) sum += write(fd, parts[part].iov_base, parts[part].iov_len);
    return sum;
}

int ftruncate64(int fd, off_t end) {
    if (!file_of(fd)) return real_ftruncate(fd, end);
    pthread_mutex_lock(&lock);
    one_more();
    changed(file_of(fd), 1, end, NULL, 0);
    int result = real_ftruncate(fd, end);
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate(int fd, off_t end) { return ftruncate64(fd, end); }

/* Room ahead is only a later end: what is in it is zeros. */
int posix_fallocate64(int fd, off_t at, off_t size) {
    struct stat is;
    if (fstat(fd, &is)) return errno;
    return at + size > is.st_size && ftruncate64(fd, at + size) ? errno : 0;
}
int posix_fallocate(int fd, off_t at, off_t size) { return posix_fallocate64(fd, at, size); }
int fallocate64(int fd, int mode, off_t at, off_t size) {
    if (mode) return errno = EOPNOTSUPP, -1;
    int error = posix_fallocate64(fd, at, size);
    return error ? (errno = error, -1) : 0;
}
int fallocate(int fd, int mode, off_t at, off_t size) { return fallocate64(fd, mode, at, size); }

static int synced(int fd, int (*real)(int)) {
    if (fd < 0 || fd >= FDS || (!of_fd[fd] && !is_folder[fd])) return real(fd);
    pthread_mutex_lock(&lock);
    one_more();
    if (of_fd[fd]) forget(of_fd[fd]);
    while (is_folder[fd] && entries) {
        struct entry *entry = entries;
        entries = entry->before;
        if (entry->hidden[0]) real_unlink(entry->hidden);
        free(entry);
    }
    pthread_mutex_unlock(&lock);
    return 0;
}
int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }

/* The file stays, under a name that the process does not know. */
static void hide(const char *path, char *hidden, size_t size) {
    struct stat is;
    hidden[0] = 0;
    if (stat(path, &is)) return;
    snprintf(hidden, size, "%s/hidden-%d", folder, hidden_count++);
    if (real_rename(path, hidden)) fail("hide");
}

int unlink(const char *path) {
    struct stat is;
    if (!is_ours(path) || stat(path, &is)) return real_unlink(path);
    char hidden[4200];
    pthread_mutex_lock(&lock);
    one_more();
    hide(path, hidden, sizeof hidden);
    add_entry(REMOVED, path, "", hidden);
    pthread_mutex_unlock(&lock);
    return 0;
}

int rename(const char *from, const char *to) {
    if (!is_ours(from) || !is_ours(to)) return real_rename(from, to);
    char hidden[4200];
    pthread_mutex_lock(&lock);
    one_more();
    hide(to, hidden, sizeof hidden);
    int result = real_rename(from, to);
    if (!result) add_entry(RENAMED, from, to, hidden);
    pthread_mutex_unlock(&lock);
    return result;
}
