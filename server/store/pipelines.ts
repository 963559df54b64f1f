import type { AppPipeline, PipelineCoupling, PipelineStage } from "../domain/model.ts";
import type { Db } from "./database.ts";

type Row = { id: string; name: string; owner_id: string; created_at: string; updated_at: string };
type CouplingRow = { id: string; pipeline_id: string; app_id: string; stage: PipelineStage; created_at: string; updated_at: string };
const COLUMNS = "id, name, owner_id, created_at, updated_at";
const COUPLING = "id, pipeline_id, app_id, stage, created_at, updated_at";

export type Pipelines = ReturnType<typeof createPipelines>;

/** Pipelines of apps, and the couplings that say which app is which stage of one. */
export function createPipelines(db: Db) {
  const insert = db.prepare(`INSERT INTO pipelines (${COLUMNS}) VALUES (@id, @name, @ownerId, @createdAt, @updatedAt)`);
  const byIdOrName = db.prepare<{ key: string }, Row>(`SELECT ${COLUMNS} FROM pipelines WHERE id = @key OR name = @key`);
  const all = db.prepare<[], Row>(`SELECT ${COLUMNS} FROM pipelines ORDER BY name`);
  const rename = db.prepare("UPDATE pipelines SET name = ?, updated_at = ? WHERE id = ?");
  const remove = db.prepare("DELETE FROM pipelines WHERE id = ?");
  const couple = db.prepare(`INSERT INTO pipeline_couplings (${COUPLING}) VALUES (@id, @pipelineId, @appId, @stage, @createdAt, @updatedAt)`);
  const coupling = db.prepare<[string], CouplingRow>(`SELECT ${COUPLING} FROM pipeline_couplings WHERE id = ?`);
  const ofApp = db.prepare<[string], CouplingRow>(`SELECT ${COUPLING} FROM pipeline_couplings WHERE app_id = ?`);
  const allCouplings = db.prepare<[], CouplingRow>(`SELECT ${COUPLING} FROM pipeline_couplings ORDER BY created_at, id`);
  const move = db.prepare("UPDATE pipeline_couplings SET stage = ?, updated_at = ? WHERE id = ?");
  const uncouple = db.prepare("DELETE FROM pipeline_couplings WHERE id = ?");
  return {
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the name is taken. */
    insert: (pipeline: AppPipeline): void => void insert.run(pipeline),
    /** By id or by name, which is too short to look like an id. */
    find: (key: string): AppPipeline | undefined => toPipeline(byIdOrName.get({ key })),
    list: (): AppPipeline[] => all.all().map((row) => toPipeline(row) as AppPipeline),
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the name is taken. */
    rename: (id: string, name: string, now: string): void => void rename.run(name, now, id),
    /** Its couplings go with it, its apps stay. */
    remove: (id: string): void => void remove.run(id),
    /** @throws SqliteError SQLITE_CONSTRAINT_UNIQUE when the app is in a pipeline. */
    couple: (made: PipelineCoupling): void => void couple.run(made),
    coupling: (id: string): PipelineCoupling | undefined => toCoupling(coupling.get(id)),
    couplingOf: (appId: string): PipelineCoupling | undefined => toCoupling(ofApp.get(appId)),
    couplings: (): PipelineCoupling[] => allCouplings.all().map((row) => toCoupling(row) as PipelineCoupling),
    move: (couplingId: string, stage: PipelineStage, now: string): void => void move.run(stage, now, couplingId),
    uncouple: (couplingId: string): void => void uncouple.run(couplingId),
  };
}

function toPipeline(row: Row | undefined): AppPipeline | undefined {
  return row && { id: row.id, name: row.name, ownerId: row.owner_id, createdAt: row.created_at, updatedAt: row.updated_at };
}

function toCoupling(row: CouplingRow | undefined): PipelineCoupling | undefined {
  return row && { id: row.id, pipelineId: row.pipeline_id, appId: row.app_id, stage: row.stage, createdAt: row.created_at, updatedAt: row.updated_at };
}
