// Where the reader of the API's description begins.
import { mount } from 'svelte';
import Docs from './screens/Docs.svelte';
import './style.css';

mount(Docs, { target: document.getElementById('page')! });
