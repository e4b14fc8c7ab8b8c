/*
 * An addon whose fault() reads a map beyond its file's end: a SIGBUS of the thread that calls it.
 */
#include <node_api.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static napi_value fault(napi_env env, napi_callback_info info)
{
	FILE *file = tmpfile();
	volatile const char *map;
	napi_value read;

	(void)info;
	if (!file || ftruncate(fileno(file), 65536))
		return NULL;
	map = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE, fileno(file), 0);
	if (map == MAP_FAILED || ftruncate(fileno(file), 0))
		return NULL;
	napi_create_int32(env, map[0], &read);
	return read;
}

NAPI_MODULE_INIT()
{
	napi_value function;

	if (!napi_create_function(env, "fault", NAPI_AUTO_LENGTH, fault, NULL, &function))
		napi_set_named_property(env, exports, "fault", function);
	return exports;
}
