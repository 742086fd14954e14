/* Hyperscan's library (Vectorscan is its portable form), found when the program runs: nothing is linked, and where
 * there is none the Python binding does the same, more slowly. Declarations follow hs_compile.h and hs_runtime.h.
 */
#include <dlfcn.h>

#define HS_MODE_BLOCK 1

typedef struct {
    char *message;
    int expression;
} CompileError;

typedef int (*OnMatch)(unsigned int, unsigned long long, unsigned long long, unsigned int, void *);

typedef struct {
    PyObject_HEAD
    void *handle;
    void *database;
    int (*compile_multi)(const char *const *, const unsigned *, const unsigned *, unsigned, unsigned, const void *,
                         void **, CompileError **);
    int (*free_compile_error)(CompileError *);
    int (*free_database)(void *);
    int (*alloc_scratch)(const void *, void **);
    int (*free_scratch)(void *);
    int (*scan)(const void *, const char *, unsigned, unsigned, void *, OnMatch, void *);
} Library;

static int library_find(Library *self, const char *path)
{
    struct {
        const char *name;
        void *slot;
    } symbols[] = {
        {"hs_compile_multi", &self->compile_multi}, {"hs_free_compile_error", &self->free_compile_error},
        {"hs_free_database", &self->free_database}, {"hs_alloc_scratch", &self->alloc_scratch},
        {"hs_free_scratch", &self->free_scratch},   {"hs_scan", &self->scan},
    };
    self->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    for (size_t n = 0; self->handle != NULL && n < sizeof symbols / sizeof *symbols; n++) {
        void *found = dlsym(self->handle, symbols[n].name);
        if (found == NULL)
            break;
        memcpy(symbols[n].slot, &found, sizeof found);
    }
    if (self->handle == NULL || self->scan == NULL) {
        PyErr_Format(PyExc_ImportError, "%s is not Hyperscan's library", path);
        return -1;
    }
    return 0;
}

static int library_compile(Library *self, PyObject *expressions, PyObject *flags)
{
    Py_ssize_t length = PyList_GET_SIZE(expressions);
    const char **texts = PyMem_RawCalloc((size_t)length + 1, sizeof *texts);
    unsigned *options = PyMem_RawCalloc((size_t)length + 1, sizeof *options);
    unsigned *ids = PyMem_RawCalloc((size_t)length + 1, sizeof *ids);
    int status = texts == NULL || options == NULL || ids == NULL ? -1 : 0;
    for (Py_ssize_t n = 0; status == 0 && n < length; n++) {
        texts[n] = PyBytes_AsString(PyList_GET_ITEM(expressions, n));
        options[n] = (unsigned)PyLong_AsUnsignedLong(PyList_GET_ITEM(flags, n));
        ids[n] = (unsigned)n;
        status = PyErr_Occurred() ? -1 : 0;
    }
    if (status == 0) {
        CompileError *error = NULL;
        Py_BEGIN_ALLOW_THREADS;
        status = self->compile_multi(texts, options, ids, (unsigned)length, HS_MODE_BLOCK, NULL, &self->database,
                                     &error);
        Py_END_ALLOW_THREADS;
        if (status != 0) {
            PyObject *told = Py_BuildValue("(is)", error ? error->expression : -1,
                                           error ? error->message : "out of memory");
            if (told != NULL)
                PyErr_SetObject(PyExc_ValueError, told);
            Py_XDECREF(told);
            self->free_compile_error(error);
        }
    } else if (!PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    PyMem_RawFree(texts);
    PyMem_RawFree(options);
    PyMem_RawFree(ids);
    return status ? -1 : 0;
}

static void library_dealloc(Library *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->database != NULL)
        self->free_database(self->database);
    type->tp_free((PyObject *)self); /* the library stays loaded: others may use it */
    Py_DECREF(type);
}

static PyObject *library_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"path", "expressions", "flags", NULL};
    const char *path;
    PyObject *expressions, *flags;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "sO!O!", names, &path, &PyList_Type, &expressions, &PyList_Type,
                                     &flags))
        return NULL;
    if (PyList_GET_SIZE(expressions) != PyList_GET_SIZE(flags)) {
        PyErr_SetString(PyExc_TypeError, "there must be flags for each expression");
        return NULL;
    }
    Library *self = (Library *)type->tp_alloc(type, 0);
    if (self != NULL && (library_find(self, path) < 0 || library_compile(self, expressions, flags) < 0))
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int library_on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
    (void)from;
    (void)flags;
    Hits *hits = context;
    hits->failed = hit(hits, id, (size_t)to);
    return hits->failed;
}

/* Free a scratch without its library's type at hand. */
static int (*library_free_scratch)(void *);

static void free_library_scratch(void *scratch)
{
    library_free_scratch(scratch);
}

static PyObject *library_scan(Library *self, PyObject *args)
{
    PyObject *block, *object;
    if (!PyArg_ParseTuple(args, "SO", &block, &object))
        return NULL;
    Hits *hits = hits_of(object);
    if (hits == NULL)
        return NULL;
    if (start(hits, block) < 0)
        return NULL;
    if (hits->scratch == NULL) {
        library_free_scratch = self->free_scratch;
        hits->free_scratch = free_library_scratch;
        if (self->alloc_scratch(self->database, &hits->scratch) != 0)
            return PyErr_NoMemory();
    }
    hits->failed = 0;
    int status;
    Py_BEGIN_ALLOW_THREADS;
    hits->lines = newlines(hits->data, hits->size);
    status = self->scan(self->database, hits->data, (unsigned)hits->size, 0, hits->scratch, library_on_match, hits);
    Py_END_ALLOW_THREADS;
    if (hits->failed)
        return PyErr_NoMemory();
    if (status != 0) {
        PyErr_Format(PyExc_RuntimeError, "the engine failed with status %d", status);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef library_methods[] = {
    {"scan", (PyCFunction)library_scan, METH_VARARGS, "Scan a block; what is found goes into hits."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot library_slots[] = {
    {Py_tp_new, library_new},
    {Py_tp_dealloc, library_dealloc},
    {Py_tp_methods, library_methods},
    {Py_tp_doc, "A database compiled by Hyperscan's library."},
    {0, NULL},
};

static PyType_Spec library_spec = {
    "logscan_engine._native.Library", sizeof(Library), 0, Py_TPFLAGS_DEFAULT, library_slots,
};
