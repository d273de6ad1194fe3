/*
 * Runs one of the node's daemons in an embedded Python, and nothing else.
 *
 * The name it is called by (a link in /usr/bin) chooses the module whose main() is called. The interpreter reads no
 * environment variable, takes no option, imports no site module and searches two fixed read-only folders, so there is no
 * way to make it run code that is not in the image: this is what a node has instead of a python3 that could be started by
 * hand.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY L"/usr/lib/python3.13"
#define EXTENSIONS L"/usr/lib/python3.13/lib-dynload"
#define WHEELS L"/usr/lib/pytalos/site"
#define APPLICATION L"/usr/lib/pytalos/app"

struct daemon {
	const char *name;
	const char *module;
	int is_first; /* runs for the kernel, maybe before it has entropy, on no input that a hash seed would defend */
};

static const struct daemon daemons[] = {
	{"init", "talos.init.main", 1},
	{"modprobe", "talos.init.modprobe", 1},
	{"machined", "talos.machined.main", 0},
	{"apid", "talos.apid.main", 0},
	{"trustd", "talos.trustd.main", 0},
	{"dashboard", "talos.dashboard.main", 0},
	{"installer", "talos.installer.main", 0},
};

/* The kernel starts the initramfs by this very path; the root file system has nothing there. */
static const char first_stage_path[] = "/init";
static const struct daemon first_stage = {"init", "talos.init.stage1", 1};

static const struct daemon *find(const char *argv0)
{
	if (strcmp(argv0, first_stage_path) == 0)
		return &first_stage;

	const char *slash = strrchr(argv0, '/');
	const char *name = slash ? slash + 1 : argv0;

	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++)
		if (strcmp(daemons[i].name, name) == 0)
			return &daemons[i];
	return NULL;
}

static PyStatus append(PyConfig *config, const wchar_t *folder)
{
	return PyWideStringList_Append(&config->module_search_paths, folder);
}

static PyStatus start(const struct daemon *daemon, int argc, char **argv)
{
	PyPreConfig before;
	PyConfig config;
	PyStatus status;

	PyPreConfig_InitIsolatedConfig(&before);
	before.utf8_mode = 1;
	status = Py_PreInitialize(&before);
	if (PyStatus_Exception(status))
		return status;

	PyConfig_InitIsolatedConfig(&config);
	config.site_import = 0;
	config.write_bytecode = 0;
	config.pathconfig_warnings = 0;
	config.install_signal_handlers = 1;
	config.parse_argv = 0;
	config.buffered_stdio = 0;
	if (daemon->is_first) {
		config.use_hash_seed = 1;
		config.hash_seed = 0;
	}
	config.module_search_paths_set = 1;
	const wchar_t *folders[] = {APPLICATION, LIBRARY, EXTENSIONS, WHEELS};
	/* PID 1 uses the standard library only; what it cannot find it cannot import by mistake. */
	for (size_t i = 0; i < (daemon->is_first ? 3 : 4); i++) {
		status = append(&config, folders[i]);
		if (PyStatus_Exception(status))
			goto done;
	}
	const struct { wchar_t **field; const wchar_t *value; } fixed[] = {
		{&config.program_name, L"/usr/bin/pytalos"}, {&config.executable, L""},     {&config.base_executable, L""},
		{&config.home, L"/usr"},                     {&config.prefix, L"/usr"},     {&config.exec_prefix, L"/usr"},
		{&config.base_prefix, L"/usr"},              {&config.base_exec_prefix, L"/usr"},
		{&config.stdlib_dir, LIBRARY},
	};
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		status = PyConfig_SetString(&config, fixed[i].field, fixed[i].value);
		if (PyStatus_Exception(status))
			goto done;
	}
	status = PyConfig_SetBytesArgv(&config, argc, argv);
	if (PyStatus_Exception(status))
		goto done;
	status = Py_InitializeFromConfig(&config);
done:
	PyConfig_Clear(&config);
	return status;
}

/* Daemons import from one file with all modules; what PID 1 does must not depend on that much. */
static int use_bundle(void)
{
	PyObject *module = PyImport_ImportModule("talos.init.bundle");
	PyObject *result = module ? PyObject_CallMethod(module, "install", NULL) : NULL;
	int failed = result == NULL;

	if (failed)
		PyErr_Print();
	Py_XDECREF(result);
	Py_XDECREF(module);
	return failed;
}

/* The code of an integer result; a traceback, or the code of SystemExit, ends the process inside PyErr_Print. */
static int call_main(const char *name)
{
	PyObject *module = PyImport_ImportModule(name);
	PyObject *result = module ? PyObject_CallMethod(module, "main", NULL) : NULL;
	int code = 1;

	if (result == NULL)
		PyErr_Print();
	else
		code = PyLong_Check(result) ? (int)PyLong_AsLong(result) : 0;
	Py_XDECREF(result);
	Py_XDECREF(module);
	return code;
}

int main(int argc, char **argv)
{
	const struct daemon *daemon = argc > 0 ? find(argv[0]) : NULL;

	if (daemon == NULL) {
		fprintf(stderr, "pytalos: called by a name that is none of the node's daemons\n");
		return 2;
	}
	PyStatus status = start(daemon, argc, argv);
	if (PyStatus_Exception(status))
		Py_ExitStatusException(status);
	if (!daemon->is_first && use_bundle())
		return 1;
	int code = call_main(daemon->module);
	if (Py_FinalizeEx() < 0)
		code = 120;
	return code;
}
