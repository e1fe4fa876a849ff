// tfjs-core's Node bundle registers no gradient; this import registers all of them. Plain Node cannot resolve the extensionless
// imports inside it, so the build replaces this file's output by a bundle of the import.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
