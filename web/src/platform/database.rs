//! IndexedDB, as far as sessions need it: a head and numbered records under a name, changed in whole transactions.
//!
//! A transaction that is complete survives the end of this Worker, of the page and of the browser. It may be lost when
//! the whole machine stops in the next seconds: browsers do not wait for the disk, and nor should every message.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Function, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomException, IdbDatabase, IdbKeyRange, IdbObjectStore, IdbRequest, IdbTransaction, IdbTransactionMode,
    WorkerGlobalScope,
};

const DATABASE: &str = "hearth";
/// By name.
const HEADS: &str = "session-heads";
/// By name and number.
const RECORDS: &str = "session-records";

/// Everything that is read at once.
pub struct Contents {
    /// All heads, by name.
    pub heads: Vec<(String, Vec<u8>)>,
    /// The records under the name asked for.
    pub records: Vec<(u64, Vec<u8>)>,
}

/// One change of a record.
pub enum Change<'a> {
    /// Store these bytes.
    Put(u64, &'a [u8]),
    /// Remove what is there, if anything.
    Delete(u64),
}

/// The browser's database; opened when it is first needed.
#[derive(Clone, Default)]
pub struct Database(Rc<RefCell<Option<IdbDatabase>>>);

impl Database {
    /// Reads all heads, and the records under a name.
    ///
    /// # Errors
    /// Why the browser refuses.
    pub async fn read(&self, name: &str) -> Result<Contents, String> {
        self.try_read(name).await.map_err(|error| words(&error))
    }

    async fn try_read(&self, name: &str) -> Result<Contents, JsValue> {
        let database = self.opened().await?;
        let transaction = begin(&database, IdbTransactionMode::Readonly)?;
        let (heads, records) = (
            transaction.object_store(HEADS)?,
            transaction.object_store(RECORDS)?,
        );
        let range = all_of(name)?;
        let requests = [
            heads.get_all_keys()?,
            heads.get_all()?,
            records.get_all_keys_with_key(&range)?,
            records.get_all_with_key(&range)?,
        ];
        finished(&transaction).await?;
        let [names, heads, keys, records] = requests.map(|request| array(&request));
        let bytes = |value: JsValue| Uint8Array::new(&value).to_vec();
        let heads = names.iter().zip(heads.iter());
        let records = keys.iter().zip(records.iter());
        Ok(Contents {
            heads: heads
                .filter_map(|(name, head)| Some((name.as_string()?, bytes(head))))
                .collect(),
            records: records
                .filter_map(|(key, record)| {
                    // Keys are whole numbers below 2^53, as they were written.
                    let number = key.dyn_into::<Array>().ok()?.get(1).as_f64()?;
                    Some((number as u64, bytes(record)))
                })
                .collect(),
        })
    }

    /// Changes what is under a name, in one transaction: all of it or nothing. Without a head the name is gone.
    ///
    /// # Errors
    /// Why the browser refuses; nothing was changed then.
    pub async fn write(
        &self,
        name: &str,
        clear: bool,
        head: Option<&[u8]>,
        changes: impl Iterator<Item = Change<'_>>,
    ) -> Result<(), String> {
        let result = async {
            let database = self.opened().await?;
            let transaction = begin(&database, IdbTransactionMode::Readwrite)?;
            let put = put_all(&transaction, name, clear, head, changes);
            if let Err(error) = put {
                // It may be over already.
                let _ = transaction.abort();
                return Err(error);
            }
            finished(&transaction).await
        };
        result.await.map_err(|error| words(&error))
    }

    async fn opened(&self) -> Result<IdbDatabase, JsValue> {
        // No waiting when it is open: writes must keep their order.
        if let Some(database) = &*self.0.borrow() {
            return Ok(database.clone());
        }
        let scope: WorkerGlobalScope = js_sys::global().dyn_into()?;
        let factory = scope
            .indexed_db()?
            .ok_or_else(|| JsValue::from_str("it has no IndexedDB"))?;
        let request = factory.open_with_u32(DATABASE, 1)?;
        let upgraded = request.clone();
        let upgrade = Closure::<dyn FnMut()>::new(move || {
            if let Ok(database) = upgraded.result().and_then(JsCast::dyn_into::<IdbDatabase>) {
                for store in [HEADS, RECORDS] {
                    // An error fails the whole request.
                    let _ = database.create_object_store(store);
                }
            }
        });
        request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
        let opened = promise(|done, failed| {
            request.set_onsuccess(Some(done));
            request.set_onerror(Some(failed));
        });
        if JsFuture::from(opened).await.is_err() {
            return Err(request.error()?.map_or(JsValue::UNDEFINED, JsValue::from));
        }
        let database: IdbDatabase = request.result()?.dyn_into()?;
        *self.0.borrow_mut() = Some(database.clone());
        Ok(database)
    }
}

fn begin(database: &IdbDatabase, mode: IdbTransactionMode) -> Result<IdbTransaction, JsValue> {
    let stores = Array::of2(&HEADS.into(), &RECORDS.into());
    database.transaction_with_str_sequence_and_mode(&stores, mode)
}

fn put_all<'a>(
    transaction: &IdbTransaction,
    name: &str,
    clear: bool,
    head: Option<&[u8]>,
    changes: impl Iterator<Item = Change<'a>>,
) -> Result<(), JsValue> {
    let (heads, records): (IdbObjectStore, IdbObjectStore) = (
        transaction.object_store(HEADS)?,
        transaction.object_store(RECORDS)?,
    );
    let name_key = JsValue::from_str(name);
    if clear {
        records.delete(&all_of(name)?.into())?;
    }
    for change in changes {
        // Below 2^53: a JavaScript number holds it.
        let key = |number: u64| Array::of2(&name_key, &JsValue::from_f64(number as f64));
        match change {
            Change::Put(number, bytes) => records.put_with_key(&Uint8Array::from(bytes), &key(number))?,
            Change::Delete(number) => records.delete(&key(number))?,
        };
    }
    match head {
        Some(head) => heads.put_with_key(&Uint8Array::from(head), &name_key)?,
        None => heads.delete(&name_key)?,
    };
    Ok(())
}

/// All keys `[name, number]`: an array comes after every number.
fn all_of(name: &str) -> Result<IdbKeyRange, JsValue> {
    let name = JsValue::from_str(name);
    IdbKeyRange::bound(&Array::of1(&name), &Array::of2(&name, &Array::new()))
}

fn array(request: &IdbRequest) -> Array {
    request
        .result()
        .ok()
        .and_then(|result| result.dyn_into().ok())
        .unwrap_or_default()
}

async fn finished(transaction: &IdbTransaction) -> Result<(), JsValue> {
    let finished = promise(|done, failed| {
        transaction.set_oncomplete(Some(done));
        transaction.set_onabort(Some(failed));
    });
    match JsFuture::from(finished).await {
        Ok(_) => Ok(()),
        Err(_) => Err(transaction.error().map_or(JsValue::UNDEFINED, JsValue::from)),
    }
}

/// A promise that two event handlers end. Functions of the promise's own: no closure is left when only one is called.
fn promise(set: impl Fn(&Function, &Function)) -> Promise {
    Promise::new(&mut |done, failed| set(&done, &failed))
}

fn words(error: &JsValue) -> String {
    match error.dyn_ref::<DomException>() {
        Some(error) if error.message().is_empty() => error.name(),
        Some(error) => format!("{} ({})", error.message().trim_end_matches('.'), error.name()),
        None => error
            .as_string()
            .unwrap_or_else(|| "it gives no reason".to_owned()),
    }
}
