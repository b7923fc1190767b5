/* Loaded before the C library by spec/unit/fork_locks_spec.lua. As the library's own, these two functions hold a lock
 * of the process while they work, but for so long that a fork beside them is sure to meet it. The child of such a fork
 * waits for ever when it calls the same. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t resolving = PTHREAD_MUTEX_INITIALIZER;
static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static int (*resolve)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* At the start, as dlsym takes a lock too. */
__attribute__((constructor)) static void find(void) {
    create = dlsym(RTLD_NEXT, "pthread_create");
    resolve = dlsym(RTLD_NEXT, "getaddrinfo");
}

int pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
    pthread_mutex_lock(&starting);
    usleep(5000);
    int result = create(id, attributes, body, argument);
    pthread_mutex_unlock(&starting);
    return result;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    if (hints != NULL && hints->ai_flags & AI_NUMERICHOST) return resolve(node, service, hints, found);
    pthread_mutex_lock(&resolving);
    usleep(10000);
    int result = resolve(node, service, hints, found);
    pthread_mutex_unlock(&resolving);
    return result;
}
